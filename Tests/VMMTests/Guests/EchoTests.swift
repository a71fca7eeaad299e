import Glibc
import TestSupport
import Testing
import VMM

@Suite("Input to a guest and back", .requiresKVM)
struct EchoTests {
    /// Every value but Ctrl-D, which ends the echo, in an order that is never the same twice in a row.
    private static func payload(_ count: Int) -> [UInt8] {
        var random = SplitMix64(seed: 1)
        return (0..<count).map { _ in
            let byte = UInt8.random(in: 0...254, using: &random)
            return byte >= 4 ? byte + 1 : byte
        }
    }

    @Test("100,000 bytes come back unchanged, in order, none lost")
    func largeInput() throws {
        let bytes = Self.payload(TestScale.count(100_000))
        let run = try GuestRun(guest: "real-echo.bin") {
            $0.memorySize = 1 << 20
            $0.input = ConsoleInput(bytes + [4])
            // Four exits a byte. Seen: 12 s on an idle machine whose guests are interpreted, in a debug build.
            $0.timeout = .seconds(900)
        }
        #expect(run.reason == .halted)
        #expect(run.output.count == bytes.count)
        #expect(run.output == bytes)
        #expect(run.report.consoleBytes == ["uart": UInt64(bytes.count), "debug": 0, "hypercall": 0])
    }

    @Test("bytes through pipes come back unchanged too, and what the guest did not read is still in the pipe")
    func throughPipes() throws {
        let bytes = Self.payload(TestScale.count(5_000))
        let (input, output) = (HostPipe(), HostPipe())
        let writer = HostThread { input.write(bytes + [4] + Array("not for the guest".utf8)) }
        let collected = Collected()
        let reader = HostThread { collected.store(output.readAll()) }
        let run = try GuestRun(guest: "real-echo.bin") {
            $0.memorySize = 1 << 20
            $0.input = ConsoleInput(descriptor: input.readEnd.number)
            $0.output = ConsoleOutput(descriptor: output.writeEnd.number)
        }
        writer.join()
        output.writeEnd.close()
        reader.join()
        #expect(run.reason == .halted)
        #expect(collected.bytes == bytes)
        // The receiver holds one byte unless a guest turns its queue on, so not one too many is taken.
        #expect(input.waitingCount == 17)
    }

    @Test("what a guest prints is seen while it waits for an answer")
    func dialogue() throws {
        let (input, output) = (HostPipe(), HostPipe())
        let collected = Collected()
        let person = HostThread {
            for byte in Array("abc".utf8) {
                input.write([byte])
                collected.append(output.read(upTo: 10))
            }
            input.write([4])
        }
        let run = try GuestRun(guest: "real-echo.bin") {
            $0.memorySize = 1 << 20
            $0.input = ConsoleInput(descriptor: input.readEnd.number)
            $0.output = ConsoleOutput(descriptor: output.writeEnd.number)
        }
        // Ends the wait of the other thread in any case.
        output.writeEnd.close()
        person.join()
        #expect(run.reason == .halted)
        #expect(collected.bytes == Array("abc".utf8))
    }

    @Test("the end of the input is not the end of the run")
    func endOfInput() throws {
        let input = HostPipe()
        input.write(Array("abc".utf8))
        input.writeEnd.close()
        let output = HostPipe()
        var configuration = MachineConfiguration(
            image: .file(Guests.path("real-echo.bin")), output: ConsoleOutput(descriptor: output.writeEnd.number))
        configuration.memorySize = 1 << 20
        configuration.input = ConsoleInput(descriptor: input.readEnd.number)
        configuration.timeout = TestScale.patience
        let machine = try VirtualMachine(configuration)
        let handle = machine.control
        let collected = Collected()
        let person = HostThread {
            collected.store(output.readAll(upTo: 3))
            // It waits for more.
            usleep(200_000)
            handle.stop()
        }
        let finished = machine.run()
        let reason = try finished.reason
        output.writeEnd.close()
        person.join()
        #expect(reason == .stopped)
        #expect(collected.bytes == Array("abc".utf8))
    }
}
