import Synchronization
import TestSupport
import Testing
import VMM

@Suite("Several machines in one process", .requiresKVM)
struct SideBySideTests {
    @Test("machines on threads of their own do not see each other")
    func parallel() throws {
        let texts = Texts()
        let threads = (0..<4).map { index in
            HostThread {
                for round in 0..<5 {
                    let text = "machine \(index), round \(round)"
                    let run = try? GuestRun(guest: "long-args.elf") {
                        $0.commandLine = text
                        $0.memorySize = 2 << 20
                    }
                    if run?.text.hasPrefix("command line: \(text)\n") != true { texts.append(text) }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(texts.all == [])
    }

    @Test("a machine that is stopped stops alone")
    func stoppedAlone() throws {
        let first = try Self.spinning(.milliseconds(300))
        let handle = first.control
        let other = HostThread {
            guard let second = try? Self.spinning(TestScale.patience) else { return }
            second.control.stop()
            _ = second.run()
        }
        let finished = first.run()
        #expect(try finished.reason == .deadline)
        other.join()
        handle.stop()
    }

    @Test("one output collects what several machines print, one after the other")
    func sharedOutput() throws {
        let output = ConsoleOutput()
        for byte in Array("abc".utf8) {
            // movb $byte, %al; outb %al, $0xE9; hlt
            let run = try GuestRun(code: [0xB0, byte, 0xE6, 0xE9, 0xF4]) { $0.output = output }
            #expect(run.reason == .halted)
        }
        #expect(output.collected == Array("abc".utf8))
    }

    private static func spinning(_ timeout: Duration) throws(VMMError) -> VirtualMachine {
        var configuration = MachineConfiguration(image: .file(Guests.path("spin.bin")))
        configuration.memorySize = 1 << 20
        configuration.timeout = timeout
        return try VirtualMachine(configuration)
    }

    /// What went wrong, from all threads.
    private final class Texts: Sendable {
        private let texts = Mutex<[String]>([])

        var all: [String] { texts.withLock { $0 } }

        func append(_ text: String) {
            texts.withLock { $0.append(text) }
        }
    }
}
