import Glibc
import TestSupport
import Testing
import VMM

/// One after the other: each of them has the machine busy, and the memory of one is enough.
@Suite("Much data over a virtio-console", .requiresKVM, .serialized)
struct VirtioTransferTests {
    private static let payload = BenchPayload()

    /// Runs console-bench and reads what it prints.
    private static func run(
        _ commandLine: String, _ configure: (inout MachineConfiguration) -> Void = { _ in },
        before wait: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws -> (run: GuestRun, count: Int, right: Int) {
        let pipe = HostPipe()
        let result = Collected()
        let reader = HostThread {
            let (count, right) = payload.verify(pipe.readEnd.number, before: wait)
            result.store(
                [count, right].flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) } })
        }
        let run = try GuestRun(guest: "console-bench.elf") {
            $0.commandLine = commandLine
            $0.devices.append(
                .virtioConsole(VirtioConsoleConfiguration(output: ConsoleOutput(descriptor: pipe.writeEnd.number))))
            configure(&$0)
        }
        pipe.writeEnd.close()
        reader.join()
        let numbers = result.bytes.enumerated().reduce(into: [0, 0]) { numbers, byte in
            numbers[byte.offset / 8] |= Int(byte.element) << (byte.offset % 8 * 8)
        }
        return (run, numbers[0], numbers[1])
    }

    private static func expect(
        _ result: (run: GuestRun, count: Int, right: Int), _ count: Int, _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(result.run.reason == .exited(status: 0), "\(result.run.text)", sourceLocation: location)
        #expect(
            result.count == count && result.right == count, "\(result.right) of \(result.count)",
            sourceLocation: location)
        #expect(result.run.report.consoleBytes["virtio-console"] == UInt64(count), sourceLocation: location)
        #expect(result.run.report.devices.allSatisfy { $0.fault == nil }, sourceLocation: location)
    }

    @Test("1 GiB from guest to host, with doorbells by event descriptors and by exits", arguments: [true, false])
    func toHost(usesEvents: Bool) throws {
        let count = TestScale.count(1 << 30)
        let result = try Self.run("technique=virtio bytes=\(count) buffer=65536") {
            $0.usesEventFDs = usesEvents
        }
        Self.expect(result, count)
        let doorbells = try #require(result.run.report.doorbellExits)
        let waits = result.run.report.exitsByPort.first { $0.port == "0x510" && $0.direction == "write" }?.count ?? 0
        if usesEvents {
            #expect(doorbells == 0)
        } else {
            // One for each batch that it offers: at first, and after each time it slept.
            #expect((1...waits + 2).contains(doorbells), "\(waits) waits")
        }
    }

    @Test("64 MiB from host to guest", arguments: [true, false])
    func toGuest(usesEvents: Bool) throws {
        let count = TestScale.count(64 << 20)
        let input = HostPipe()
        let writer = HostThread {
            var written = 0
            while written < count {
                let part = min(BenchPayload.largestPart, count - written)
                input.write(Array(Self.payload.part(from: written, count: part)))
                written += part
            }
        }
        let run = try GuestRun(guest: "console-bench.elf") {
            $0.commandLine = "technique=virtio-read bytes=\(count) buffer=65536"
            $0.devices.append(
                .virtioConsole(VirtioConsoleConfiguration(input: ConsoleInput(descriptor: input.readEnd.number))))
            $0.usesEventFDs = usesEvents
        }
        writer.join()
        #expect(run.text == "received \(count) bytes, 0 wrong\n")
        #expect(run.reason == .exited(status: 0))
    }

    enum Reader: Sendable { case slow, stopped }

    @Test(
        "16 MiB to a reader that is slow, or that stops for a second",
        arguments: [Reader.slow, .stopped], [(1, 1), (1, 0), (0, 1), (0, 0)])
    func reluctantReader(reader: Reader, features: (indirect: Int, eventIndex: Int)) throws {
        let count = TestScale.count(16 << 20)
        let commandLine =
            "technique=virtio bytes=\(count) buffer=65536 indirect=\(features.indirect) event-index=\(features.eventIndex)"
        let result = try Self.run(commandLine) { _ in
        } before: { received in
            switch reader {
            case .slow: usleep(500)
            case .stopped: if received > 0, received < BenchPayload.largestPart { sleep(1) }
            }
        }
        Self.expect(result, count)
    }

    @Test("256 KiB with buffers of one byte", arguments: [true, false])
    func oneByte(usesEvents: Bool) throws {
        let count = TestScale.count(256 << 10)
        Self.expect(
            try Self.run("technique=virtio bytes=\(count) buffer=1") { $0.usesEventFDs = usesEvents }, count)
    }

    @Test("an echo by interrupts gives back every byte", arguments: [true, false])
    func echo(usesEvents: Bool) throws {
        let count = TestScale.count(4 << 20)
        // Every value but Ctrl-D, which ends the echo.
        let bytes = Self.payload.part(from: 0, count: BenchPayload.largestPart).map { $0 == 4 ? 5 : $0 }
        let (input, output) = (HostPipe(), HostPipe())
        let writer = HostThread {
            for start in stride(from: 0, to: count, by: bytes.count) { input.write(Array(bytes.prefix(count - start))) }
            input.write([4])
        }
        let isSame = Collected()
        let reader = HostThread {
            let received = output.readAll()
            let expected = stride(from: 0, to: count, by: bytes.count).flatMap { bytes.prefix(count - $0) }
            isSame.store(received == expected ? [1] : [0])
        }
        let run = try GuestRun(guest: "long-virtio-echo.elf") {
            $0.interruptControllers = .full
            $0.usesEventFDs = usesEvents
            $0.devices.append(
                .virtioConsole(
                    VirtioConsoleConfiguration(
                        output: ConsoleOutput(descriptor: output.writeEnd.number),
                        input: ConsoleInput(descriptor: input.readEnd.number))))
        }
        writer.join()
        output.writeEnd.close()
        reader.join()
        #expect(run.reason == .exited(status: 0))
        #expect(isSame.bytes == [1])
    }
}
