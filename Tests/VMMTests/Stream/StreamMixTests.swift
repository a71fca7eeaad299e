import Synchronization
import TestSupport
import Testing

@testable import VMM

@Suite("Streams whose readers are slow while the machine is paused, resumed and stopped", .requiresKVM)
struct StreamMixTests {
    /// - Returns: all that came.
    private static func read(_ stream: GuestStream, seed: UInt64) async -> [UInt8] {
        var random = SplitMix64(seed: seed)
        var bytes: [UInt8] = []
        while true {
            // Now and then another iterator goes on, or one is cancelled.
            let limit = Int.random(in: 1...20, using: &random)
            let sleeps = (0..<limit).map { _ in Int.random(in: -20...3, using: &random) }
            let isCancelled = Bool.random(using: &random)
            let reader = Task { () -> (bytes: [UInt8], isOver: Bool) in
                var part: [UInt8] = []
                var chunks = stream.chunks.makeAsyncIterator()
                for sleep in sleeps {
                    guard let chunk = await chunks.next() else { return (part, !Task.isCancelled) }
                    part += chunk
                    if sleep > 0 { try? await Task.sleep(for: .milliseconds(sleep)) }
                }
                return (part, false)
            }
            if isCancelled {
                try? await Task.sleep(for: .microseconds(Int.random(in: 0...2_000, using: &random)))
                reader.cancel()
            }
            let (part, isOver) = await reader.value
            bytes += part
            if isOver { return bytes }
        }
    }

    @Test(
        "every byte that comes is right, none is missing in a run that ends by itself",
        arguments: 0..<12 as Range<UInt64>)
    func random(seed: UInt64) async throws {
        var random = SplitMix64(seed: 1_000 + seed)
        let rounds = TestScale.count(100)
        let isStopped = seed % 3 == 0
        let vcpus = seed % 2 == 0 ? 1 : 4
        let bound = [16, 100, 5_000, 256 << 10][Int(seed) % 4]
        let (serial, console) = (GuestStream(outputBound: bound), GuestStream(outputBound: bound))
        let control = MachineControl()
        let isOver = Atomic<Bool>(false)
        async let run = onThread {
            defer { isOver.store(true, ordering: .relaxed) }
            return try GuestRun(guest: "long-mix.elf") {
                $0.vcpuCount = vcpus
                $0.commandLine = "rounds=\(rounds)" + (vcpus > 1 ? " cpus=\(vcpus)" : "")
                $0.control = control
                $0.setSerial { $0.output = serial.output }
                $0.devices.append(.virtioConsole(VirtioConsoleConfiguration(stream: console)))
            }
        }
        async let fromSerial = Self.read(serial, seed: seed)
        async let fromConsole = Self.read(console, seed: seed + 100)
        var pauses = 0
        while !isOver.load(ordering: .relaxed) {
            try await Task.sleep(for: .microseconds(Int.random(in: 0...3_000, using: &random)))
            try await onThread { control.pause() }
            let isPausedLong = Bool.random(using: &random)
            if isPausedLong { try await Task.sleep(for: .milliseconds(1)) }
            control.resume()
            pauses += 1
            if isStopped, pauses == 20 { control.stop() }
        }
        let result = try await run
        let (serialBytes, consoleBytes) = await (fromSerial, fromConsole)
        let lines = MixGuest.lines("virtio", 1, 64 * rounds)
        if result.reason == .stopped {
            #expect(isStopped)
            #expect(lines.utf8.starts(with: consoleBytes))
            #expect(UInt64(serialBytes.count) == result.report.consoleBytes["uart"])
        } else {
            #expect(result.reason == .exited(status: 0))
            #expect(consoleBytes.elementsEqual(lines.utf8))
            let text = String(decoding: serialBytes, as: UTF8.self)
            #expect(text.hasPrefix(MixGuest.lines("uart", 0, rounds)) && text.hasSuffix("nothing wrong\n"))
        }
        let held = [serial, console].map(\.buffer.largestCount)
        // At the end a serial port's bytes come on top.
        #expect(held[1] <= bound && held[0] <= bound + ConsoleOutput.capacity, "\(held)")
    }
}
