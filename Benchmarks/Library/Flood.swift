import VMM

/// What output costs that a task of this program reads, beside the same that nobody reads.
enum Flood {
    private static let runs = 7

    static func run() async throws {
        say("flood: with a reader and without, medians of \(runs) runs each, in turn")
        let blind = serial(rounds: 1_667, Array(repeating: 0xEE, count: 60))
        // add $5, %dx; in %dx, %al; sub $5, %dx; mov $'x', %al; out %al, %dx
        let look: [UInt8] = [0x83, 0xC2, 5, 0xEC, 0x83, 0xEA, 5, 0xB0, 0x78, 0xEE]
        let polled = serial(rounds: 5_000, Array(repeating: look, count: 10).flatMap(\.self))
        try await compare("UART, blind, each byte an exit", blind) { $0.setSerial { $0.coalescesOutput = false } }
        try await compare("UART, blind, coalesced", blind)
        try await compare("UART, polled, coalesced", polled)
        try await compare("virtio-console, 64 MiB", .file("guests/build/console-bench.elf"), isVirtio: true) {
            $0.commandLine = "technique=virtio bytes=\(64 << 20) buffer=65536"
        }
    }

    /// mov $0x3F8, %dx; mov $'x', %al; mov $ROUNDS, %ecx; round: …; dec %ecx; jnz round; hlt
    private static func serial(rounds: UInt16, _ body: [UInt8]) -> ImageSource {
        let count = [UInt8(truncatingIfNeeded: rounds), UInt8(rounds >> 8), 0, 0]
        let head: [UInt8] = [0xBA, 0xF8, 0x03, 0xB0, 0x78, 0x66, 0xB9] + count
        let back = UInt8(truncatingIfNeeded: -(body.count + 4))
        return .bytes(head + body + [0x66, 0x49, 0x75, back, 0xF4])
    }

    private static func compare(
        _ name: String, _ image: ImageSource, isVirtio: Bool = false,
        _ change: (inout MachineConfiguration) -> Void = { _ in }
    ) async throws {
        var times: [[Int64]] = [[], []]
        for _ in 0..<runs {
            for isRead in [true, false] {
                let stream = GuestStream()
                var configuration = MachineConfiguration(image: image, output: .discarding())
                let output = isRead ? stream.output : .discarding()
                if isVirtio {
                    configuration.devices.append(.virtioConsole(VirtioConsoleConfiguration(output: output)))
                } else {
                    configuration.format = .flat
                    configuration.setSerial { $0.output = output }
                }
                change(&configuration)
                let start = MonotonicClock.now
                let machine = running(configuration)
                if isRead { for await _ in stream.chunks {} }
                _ = try await machine.value
                times[isRead ? 0 : 1].append(MonotonicClock.now - start)
            }
        }
        let ratios = zip(times[0], times[1]).map { Double($0) / Double($1) }.sorted()
        let hundredths = Int((ratios[ratios.count / 2] * 100).rounded())
        say(
            "  \(name): read \(milliseconds(Figures(times[0]).median)), unread \(milliseconds(Figures(times[1]).median)), "
                + "ratio \(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)")
    }
}

extension MachineConfiguration {
    fileprivate mutating func setSerial(_ change: (inout UARTConfiguration) -> Void) {
        guard case .uart(var uart)? = devices.first else { return }
        change(&uart)
        devices[0] = .uart(uart)
    }
}
