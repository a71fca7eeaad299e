import VMM

/// What a round of a dialogue costs, by each way there is between this program and a guest that echoes: beside the guest's own time where it
/// can be told, which is that of a byte of many that it is given at once, and beside two tasks of this program.
enum Dialogue {
    private static let rounds = 2_000

    static func run() async throws {
        say("dialogue: a byte to the guest and back, \(rounds) rounds")
        await report("tasks", rounds: twoTasks())
        let polling = Echo("real-echo.bin")
        let interrupts = Echo("long-uart-irq.elf") { $0.interruptControllers = .full }
        for (name, echo) in [("UART, polled", polling), ("UART, interrupts", interrupts)] {
            try await report(name, rounds: echo.times(rounds), own: echo.ownTime(10 * rounds))
        }
        let console = Echo("long-virtio-echo.elf", isVirtio: true) { $0.interruptControllers = .full }
        try await report("virtio-console, interrupts", rounds: console.times(rounds))
        let port = Echo("long-virtio-ports.elf", isPort: true) { $0.commandLine = "talk=echo" }
        try await report("virtio port, hypercall", rounds: port.times(rounds))
    }

    private static func report(_ name: String, rounds times: [Int64], own: Int64? = nil) {
        let own = own.map { ", the guest's own time \(microseconds($0))" } ?? ""
        say("  \(name): \(Figures(times))\(own)")
    }

    /// The same between two tasks.
    private static func twoTasks() async -> [Int64] {
        let (there, toThere) = AsyncStream.makeStream(of: [UInt8].self)
        let (back, toBack) = AsyncStream.makeStream(of: [UInt8].self)
        let echo = Task {
            for await bytes in there { toBack.yield(bytes) }
        }
        var times: [Int64] = []
        var answers = back.makeAsyncIterator()
        for _ in 0..<rounds {
            let start = MonotonicClock.now
            toThere.yield([120])
            _ = await answers.next()
            times.append(MonotonicClock.now - start)
        }
        toThere.finish()
        await echo.value
        return times
    }
}

/// A guest that sends back what it gets, until Ctrl-D.
private struct Echo {
    let guest: String
    let isVirtio: Bool
    let isPort: Bool
    let change: (inout MachineConfiguration) -> Void

    init(
        _ guest: String, isVirtio: Bool = false, isPort: Bool = false,
        _ change: @escaping (inout MachineConfiguration) -> Void = { _ in }
    ) {
        (self.guest, self.isVirtio, self.isPort, self.change) = (guest, isVirtio, isPort, change)
    }

    private func configuration(_ stream: GuestStream) -> MachineConfiguration {
        var configuration = MachineConfiguration(
            image: .file("guests/build/\(guest)"), output: .discarding())
        if isVirtio {
            configuration.devices.append(.virtioConsole(VirtioConsoleConfiguration(stream: stream)))
        } else if isPort {
            configuration.devices.append(
                .virtioConsole(
                    VirtioConsoleConfiguration(ports: [VirtioPortConfiguration(name: "talk", stream: stream)])))
        } else {
            configuration.devices = [.uart(UARTConfiguration(stream: stream))]
        }
        change(&configuration)
        return configuration
    }

    func times(_ rounds: Int) async throws -> [Int64] {
        let stream = GuestStream()
        let machine = running(configuration(stream))
        var times: [Int64] = []
        // The first ones warm up.
        for round in 0..<rounds + 100 {
            let start = MonotonicClock.now
            try await stream.ask("x", until: "x")
            if round >= 100 { times.append(MonotonicClock.now - start) }
        }
        try await stream.send([4])
        _ = try await machine.value
        return times
    }

    /// Of one byte, in nanoseconds.
    func ownTime(_ count: Int) async throws -> Int64 {
        let stream = GuestStream(outputBound: 2 * count, inputBound: 2 * count)
        try await stream.send([UInt8](repeating: 120, count: count) + [4])
        let start = MonotonicClock.now
        _ = try await VirtualMachine(configuration(stream)).run().reason
        return (MonotonicClock.now - start) / Int64(count)
    }
}
