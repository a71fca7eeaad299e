import Glibc
import TestSupport
import Testing
import VMM

@Suite("Hypercalls of a guest", .requiresKVM)
struct HypercallTests {
    /// Real-mode code that rings for requests one after the other, prints the answers' status and length on the debug console,
    /// a byte each, and halts. The requests stand behind it.
    private static func guest(_ requests: [(operation: UInt32, address: UInt32, length: UInt64)]) -> [UInt8] {
        // Each: movl $request, %eax; movw $0x510, %dx; outl %eax, %dx; movb request + 4, %al; outb %al, $0xE9;
        // movb request + 16, %al; outb %al, $0xE9
        let size = 6 + 3 + 2 + 3 + 2 + 3 + 2
        var code: [UInt8] = []
        for index in requests.indices {
            let request = 0x7C00 + requests.count * size + 1 + index * 24
            func low(_ offset: Int) -> [UInt8] {
                [UInt8(truncatingIfNeeded: request + offset), UInt8(truncatingIfNeeded: (request + offset) >> 8)]
            }
            code += [0x66, 0xB8] + low(0) + [0, 0] + [0xBA, 0x10, 0x05] + [0x66, 0xEF]
            code += [0xA0] + low(4) + [0xE6, 0xE9, 0xA0] + low(16) + [0xE6, 0xE9]
        }
        code.append(0xF4)
        for request in requests {
            func bytes(_ value: UInt64, _ count: Int) -> [UInt8] {
                (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
            }
            code += bytes(UInt64(request.operation), 4) + bytes(.max, 4) + bytes(UInt64(request.address), 8)
            code += bytes(request.length, 8)
        }
        return code
    }

    @Test("what is printed keeps its order with the debug console's")
    func order() throws {
        // The code's own first two bytes, printed twice.
        let run = try GuestRun(code: Self.guest([(1, 0x7C00, 2), (1, 0x7C00, 1)]))
        #expect(run.output == [0x66, 0xB8, 0, 2, 0x66, 0, 1])
        #expect(run.reason == .halted)
        #expect(run.report.consoleBytes == ["uart": 0, "debug": 4, "hypercall": 3])
        // One exit each, for any number of bytes.
        #expect(run.report.exitsByPort.first { $0.port == "0x510" }?.count == 2)
    }

    @Test("input that has come is read, and a wait for it ends at once")
    func input() throws {
        let run = try GuestRun(code: Self.guest([(3, 0, .max), (2, 0x9000, 100), (1, 0x9000, 3)])) {
            $0.input = ConsoleInput(Array("abc".utf8))
        }
        #expect(run.output == [0, 1, 0, 3] + Array("abc".utf8) + [0, 3])
    }

    @Test("a wait ends when its time is over, not before, and costs no processor time")
    func time() throws {
        let run = try GuestRun(code: Self.guest([(3, 0, 300_000_000)])) {
            $0.input = ConsoleInput(queueOf: 10)
        }
        // Its own end, and not the run's.
        #expect(run.output == [0, 0] && run.reason == .halted)
        // Seen: 300.6 ms, of which 1.5 ms of processor time.
        #expect(run.report.wallNanoseconds >= 300_000_000)
        #expect(run.report.cpuNanoseconds < 150_000_000 * Int64(TestScale.divisor))
    }

    @Test("a wait ends when input comes, from a queue or from a descriptor", arguments: [true, false])
    func arrival(isQueue: Bool) throws {
        let pipe = HostPipe()
        let queue = ConsoleInput(queueOf: 10)
        let writer = HostThread {
            usleep(100_000)
            if isQueue { _ = queue.append([0x21]) } else { pipe.write([0x21]) }
        }
        let run = try GuestRun(code: Self.guest([(3, 0, .max), (2, 0x9000, 1), (1, 0x9000, 1), (3, 0, 1_000_000)])) {
            $0.input = isQueue ? queue : ConsoleInput(descriptor: pipe.readEnd.number)
        }
        writer.join()
        #expect(run.output == [0, 1, 0, 1, 0x21, 0, 1, 0, 0])
    }

    @Test("the end of the input ends one wait, and then looks like input that does not come")
    func endOfInput() throws {
        let pipe = HostPipe()
        pipe.writeEnd.close()
        let run = try GuestRun(code: Self.guest([(3, 0, .max), (2, 0x9000, 1), (3, 0, 10_000_000)])) {
            $0.input = ConsoleInput(descriptor: pipe.readEnd.number)
        }
        #expect(run.output == [0, 1, 0, 0, 0, 0])
        #expect(run.report.cpuNanoseconds < 1_000_000_000 * Int64(TestScale.divisor))
    }

    @Test("what was printed before a wait is seen during it")
    func flushes() throws {
        let pipe = HostPipe()
        var configuration = MachineConfiguration(
            image: .bytes(Self.guest([(1, 0x7C00, 2), (3, 0, .max)])),
            output: ConsoleOutput(descriptor: pipe.writeEnd.number))
        configuration.timeout = TestScale.patience
        let machine = try VirtualMachine(configuration)
        let handle = machine.control
        let received = Collected()
        let reader = HostThread {
            while received.bytes.count < 4 { received.append(pipe.read(upTo: 100)) }
            handle.stop()
        }
        let finished = machine.run()
        #expect(try finished.reason == .stopped)
        reader.join()
        #expect(received.bytes == [0x66, 0xB8, 0, 2])
    }

    @Test("a wait without end does not keep the deadline from ending the run")
    func deadline() throws {
        let run = try GuestRun(code: Self.guest([(3, 0, .max)])) { $0.timeout = .milliseconds(200) }
        #expect(run.reason == .deadline)
    }

    @Test("a request that is not in RAM is counted, and the guest goes on")
    func lost() throws {
        // movl $0xF0000000, %eax; movw $0x510, %dx; outl %eax, %dx; outb %al, %dx; hlt
        let run = try GuestRun(code: [0x66, 0xB8, 0, 0, 0, 0xF0, 0xBA, 0x10, 0x05, 0x66, 0xEF, 0xEE, 0xF4])
        #expect(run.reason == .halted)
        #expect(run.report.lostHypercalls == 1)
        #expect(run.output == [])
    }
}
