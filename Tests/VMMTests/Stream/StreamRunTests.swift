import TestSupport
import Testing

@testable import VMM

@Suite("A guest whose bytes are read as a sequence", .requiresKVM)
struct StreamRunTests {
    /// A guest that prints without end: mov $0x3F8, %dx; mov $'x', %al; 1: out %al, %dx; jmp 1b
    private static let flood: [UInt8] = [0xBA, 0xF8, 0x03, 0xB0, 0x78, 0xEE, 0xEB, 0xFD]

    private static func echo(_ stream: GuestStream) -> @Sendable () throws -> GuestRun {
        {
            try GuestRun(guest: "real-echo.bin") {
                $0.memorySize = 1 << 20
                $0.devices = [.uart(UARTConfiguration(stream: stream))]
            }
        }
    }

    @Test("64 MiB come unchanged to a reader that sleeps now and then, and never more than the bound waits")
    func virtioConsole() async throws {
        let count = TestScale.count(64 << 20)
        let stream = GuestStream()
        async let run = onThread {
            try GuestRun(guest: "console-bench.elf") {
                $0.commandLine = "technique=virtio bytes=\(count) buffer=65536"
                $0.devices.append(.virtioConsole(VirtioConsoleConfiguration(stream: stream)))
            }
        }
        var random = SplitMix64(seed: 1)
        var check = PayloadCheck()
        for await chunk in stream.chunks {
            check.take(chunk)
            if Int.random(in: 0..<20, using: &random) == 0 { try await Task.sleep(for: .milliseconds(5)) }
        }
        let result = try await run
        #expect(result.reason == .exited(status: 0), "\(result.text)")
        #expect(check.count == count && check.right == count, "\(check.right) of \(check.count)")
        #expect(stream.buffer.largestCount <= stream.buffer.bound)
        #expect(result.report.unwrittenBytes == 0)
    }

    @Test("a serial port's guest is held up by a slow reader too", arguments: [true, false])
    func serialPort(coalesces: Bool) async throws {
        let count = TestScale.count(200_000)
        let stream = GuestStream(outputBound: 1_000)
        async let run = onThread {
            try GuestRun(guest: "console-bench.elf") {
                $0.commandLine = "technique=uart-blind bytes=\(count) buffer=4096"
                $0.setSerial {
                    $0.output = stream.output
                    $0.coalescesOutput = coalesces
                }
            }
        }
        var check = PayloadCheck()
        for await chunk in stream.chunks {
            check.take(chunk)
            if check.count % 7 == 0 { try await Task.sleep(for: .milliseconds(1)) }
        }
        let result = try await run
        #expect(result.reason == .exited(status: 0), "\(result.text)")
        #expect(check.count == count && check.right == count, "\(check.right) of \(check.count)")
        #expect(stream.buffer.largestCount <= 1_000)
    }

    enum End: CaseIterable, Sendable { case stop, deadline }

    @Test(
        "a stop and the deadline end a guest whose reader sleeps, and what was printed by then is there",
        arguments: End.allCases)
    func readerSleeps(end: End) async throws {
        let stream = GuestStream(outputBound: 1_000)
        let control = MachineControl()
        async let run = onThread {
            try GuestRun(code: Self.flood) {
                $0.output = stream.output
                $0.control = control
                if end == .deadline { $0.timeout = .milliseconds(300) }
            }
        }
        if end == .stop {
            #expect(await eventuallyAsync { stream.output.pendingCount > 0 && stream.buffer.count == 1_000 })
            control.stop()
        }
        let result = try await run
        #expect(result.reason == (end == .stop ? .stopped : .deadline))
        var count = 0
        for await chunk in stream.chunks {
            #expect(chunk.allSatisfy { $0 == 0x78 })
            count += chunk.count
        }
        // Nobody had taken anything, but all that the port has printed is in memory.
        #expect(UInt64(count) == result.report.consoleBytes["uart"])
        #expect(result.report.unwrittenBytes == 0)
    }

    @Test("a virtio-console's guest is stopped while its reader sleeps, and what was not taken is told")
    func virtioReaderSleeps() async throws {
        let stream = GuestStream(outputBound: 1_000)
        let control = MachineControl()
        async let run = onThread {
            try GuestRun(guest: "console-bench.elf") {
                $0.commandLine = "technique=virtio bytes=1000000 buffer=65536"
                $0.control = control
                $0.devices.append(.virtioConsole(VirtioConsoleConfiguration(stream: stream)))
            }
        }
        #expect(await eventuallyAsync { stream.buffer.count == 1_000 })
        control.stop()
        let result = try await run
        #expect(result.reason == .stopped)
        #expect(result.report.unwrittenBytes > 0)
        var check = PayloadCheck()
        for await chunk in stream.chunks { check.take(chunk) }
        #expect(check.count == 1_000 && check.right == 1_000)
    }

    @Test("a machine that goes without having run ends its streams")
    func dropped() async throws {
        let stream = GuestStream()
        do { _ = try await VirtualMachine(MachineConfiguration(image: .bytes([0xF4]), stream: stream)) }
        for await _ in stream.lines { Issue.record("there is nothing to read") }
        await #expect(throws: GuestStreamError(.ended)) { try await stream.send("x") }
    }

    @Test("a run that fails ends its stream, behind what was printed")
    func fails() async throws {
        let stream = GuestStream()
        let full = ConsoleOutput(collectingUpTo: 0)
        // mov $'x', %al; mov $0x3F8, %dx; out %al, %dx; out %al, $0xE9; hlt
        let code: [UInt8] = [0xB0, 0x78, 0xBA, 0xF8, 0x03, 0xEE, 0xE6, 0xE9, 0xF4]
        async let run = onThread {
            try GuestRun(code: code) {
                $0.output = full
                $0.setSerial { $0.output = stream.output }
            }
        }
        var read: [UInt8] = []
        for await chunk in stream.chunks { read += chunk }
        do {
            _ = try await run
            Issue.record("the output was full")
        } catch {
            #expect(error is VMMError)
        }
        #expect(read == [0x78])
    }

    @Test("a dialogue with a guest that polls")
    func dialogue() async throws {
        let stream = GuestStream()
        async let run = onThread(Self.echo(stream))
        for word in ["one", "two", "three"] { #expect(try await stream.ask(word, until: word) == word) }
        try await stream.send([4])
        #expect(try await run.reason == .halted)
        await #expect(throws: GuestStreamError(.ended)) { try await stream.ask("x", until: "x") }
    }

    @Test("a guest that answers before it has taken the question, and is held up then, ends the question in words")
    func earlyAnswer() async throws {
        let stream = GuestStream(outputBound: 16, inputBound: 4)
        async let run = onThread(Self.echo(stream))
        let rest = String(repeating: "b", count: 2_000)
        let error = await #expect(throws: GuestStreamError.self) { try await stream.ask("a\n" + rest, until: "\n") }
        #expect(error?.cause == .answeredEarly && error?.output == "a\n")
        let sentCount = try #require(error?.sentByteCount)
        #expect((7..<2_000).contains(sentCount))
        // It goes on where the question broke off.
        #expect(try await stream.ask("c", until: "c") == String(repeating: "b", count: sentCount - 2) + "c")
        try await stream.send([4])
        #expect(try await run.reason == .halted)
    }

    @Test("a dialogue with a guest that sleeps until an interrupt", arguments: [InterruptControllers.full, .split])
    func interrupts(controllers: InterruptControllers) async throws {
        let stream = GuestStream(inputBound: 8)
        async let run = onThread {
            try GuestRun(guest: "long-uart-irq.elf") {
                $0.interruptControllers = controllers
                $0.devices = [.uart(UARTConfiguration(stream: stream))]
            }
        }
        for word in ["one", "two", String(repeating: "many ", count: 100) + "end"] {
            #expect(try await stream.ask(word, until: word) == word)
        }
        try await stream.send([4])
        #expect(try await run.reason == .exited(status: 0))
    }

    @Test("virtio ports are streams of their own, each with a dialogue, and input that is more than the bound")
    func ports() async throws {
        let names = ["a", "b", "c"]
        let streams = names.map { _ in GuestStream(outputBound: 512, inputBound: 100) }
        async let run = onThread {
            try GuestRun(guest: "long-virtio-ports.elf") {
                $0.commandLine = "a=echo b=echo c=echo"
                $0.devices.append(
                    .virtioConsole(
                        VirtioConsoleConfiguration(
                            ports: zip(names, streams).map { VirtioPortConfiguration(name: $0, stream: $1) })))
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (name, stream) in zip(names, streams) {
                group.addTask {
                    for round in 0..<50 {
                        let word = String(repeating: "\(name)\(round) ", count: round * 10 + 1) + "."
                        let answer = try await stream.ask(word, until: ".")
                        #expect(answer == word)
                    }
                    try await stream.send([4])
                }
            }
            try await group.waitForAll()
        }
        #expect(try await run.reason == .exited(status: 0))
    }
}
