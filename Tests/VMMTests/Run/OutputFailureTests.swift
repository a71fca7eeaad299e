import Glibc
import KVM
import SystemPackage
import TestSupport
import Testing

@testable import VMM

@Suite("A guest whose output nobody takes", .requiresKVM)
struct OutputFailureTests {
    /// movb $0x41, %al; outb %al, $0xE9; jmp to the outb
    private static let chatter: [UInt8] = [0xB0, 0x41, 0xE6, 0xE9, 0xEB, 0xFC]

    /// A write to a pipe without a reader is a signal first, which ends the process unless it is ignored.
    private static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
    }

    private static func run(_ configuration: MachineConfiguration) throws -> FinishedMachine {
        try VirtualMachine(configuration).run()
    }

    @Test("a reader that is gone ends the run with the system's error", arguments: ["real-hello.bin", "chatter"])
    func closedPipe(guest: String) {
        Self.ignoreBrokenPipes()
        let pipe = HostPipe()
        pipe.readEnd.close()
        #expect(throws: VMMError.output(Errno(rawValue: EPIPE))) {
            let image = guest == "chatter" ? ImageSource.bytes(Self.chatter) : .file(Guests.path(guest))
            _ = try GuestRun(image) { $0.output = ConsoleOutput(descriptor: pipe.writeEnd.number) }
        }
    }

    /// In a process of its own, which does not ignore the signal of such a write.
    @Test("a reader that is gone ends the run and not the process, on a thread of its own or the caller's")
    func brokenPipe() async {
        await #expect(processExitsWith: .success) {
            _ = signal(SIGPIPE, SIG_DFL)
            let pipe = HostPipe()
            pipe.readEnd.close()
            for code in [[0xB0, 0x41, 0xE6, 0xE9, 0xF4], Self.chatter] {
                var configuration = MachineConfiguration(
                    image: .bytes(code), output: ConsoleOutput(descriptor: pipe.writeEnd.number))
                configuration.timeout = TestScale.patience
                let onCaller = try Self.run(configuration)
                let inTask = try await VirtualMachine(configuration).run()
                for finished in [onCaller, inTask] {
                    guard finished.failure == .output(Errno(rawValue: EPIPE)) else { exit(2) }
                }
            }
            exit(EXIT_SUCCESS)
        }
    }

    @Test("a full disk ends the run with the system's error")
    func fullDisk() throws {
        // SAFETY: a C string for the length of the call.
        let descriptor = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        #expect(throws: VMMError.output(Errno(rawValue: ENOSPC))) {
            _ = try GuestRun(guest: "real-hello.bin") { $0.output = ConsoleOutput(descriptor: descriptor) }
        }
    }

    @Test("a guest cannot make the program grow: memory for output has a limit")
    func memoryLimit() throws {
        let output = ConsoleOutput(collectingUpTo: 20_000)
        var configuration = MachineConfiguration(image: .bytes(Self.chatter), output: output)
        configuration.timeout = TestScale.patience
        let machine = try VirtualMachine(configuration)
        let finished = machine.run()
        #expect(finished.failure == .output(Errno(rawValue: ENOSPC)))
        #expect(throws: VMMError.output(Errno(rawValue: ENOSPC))) { try finished.reason }
        #expect(output.collected == [UInt8](repeating: 0x41, count: 20_000))
        #expect(finished.report.unwrittenBytes > 0)
    }

    @Test("a reader that takes nothing does not keep a deadline from ending the run")
    func deadline() throws {
        let pipe = HostPipe()
        // It would wait for ever.
        let run = try GuestRun(code: Self.chatter) {
            $0.output = ConsoleOutput(descriptor: pipe.writeEnd.number)
            $0.timeout = .milliseconds(100)
        }
        #expect(run.reason == .deadline)
        #expect(UInt64(pipe.waitingCount + run.report.unwrittenBytes) == run.report.consoleBytes["debug"])
    }

    /// Of a terminal poll(2) says that there is room, and not how much: a write then waits inside the system.
    @Test(
        "nor does a terminal that has room for a part of it, whether or not the guest has ended",
        arguments: [true, false])
    func terminal(ends: Bool) throws {
        // movw $5000, %cx; movb $0x41, %al; outb %al, $0xE9; loop to the outb; hlt, or jmp to itself
        let code: [UInt8] = [0xB9, 0x88, 0x13, 0xB0, 0x41, 0xE6, 0xE9, 0xE2, 0xFC] + (ends ? [0xF4] : [0xEB, 0xFE])
        var timeout = Duration.milliseconds(500) * TestScale.divisor
        while true {
            let terminal = try PseudoTerminal()
            terminal.fill(leaving: 300)
            let run = try GuestRun(code: code) {
                $0.output = ConsoleOutput(descriptor: terminal.slave)
                $0.timeout = timeout
            }
            #expect(run.reason == .deadline)
            timeout = timeout * 4
            // On a busy machine it may be over before the guest has printed more than there is room for: then with more time.
            if run.report.unwrittenBytes == 0, timeout < TestScale.patience { continue }
            #expect(run.report.unwrittenBytes > 0)
            return
        }
    }

    @Test("a reader that takes nothing holds up a guest that ended, until the run is stopped")
    func stop() throws {
        // A pipe that is full to the last byte before the guest prints its line.
        let pipe = HostPipe()
        pipe.write([UInt8](repeating: 0, count: 65_536))
        let output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        var configuration = MachineConfiguration(image: .file(Guests.path("real-hypercall-hello.bin")), output: output)
        configuration.timeout = TestScale.patience
        let machine = try VirtualMachine(configuration)
        let handle = machine.control
        let other = HostThread {
            // When the line is printed, which one exit does, and the guest waits for nothing else.
            _ = eventually(within: TestScale.patience) { output.pendingCount == 20 }
            usleep(200_000)
            handle.stop()
        }
        let finished = machine.run()
        let reason = try finished.reason
        other.join()
        #expect(reason == .stopped)
        #expect(finished.report.unwrittenBytes == 20)
    }

    @Test("a slow reader slows the guest, and gets every byte")
    func slowReader() throws {
        let pipe = HostPipe()
        let collected = Collected()
        let reader = HostThread {
            while true {
                let part = pipe.read(upTo: 4_096)
                if part.isEmpty { break }
                collected.append(part)
                usleep(1_000)
            }
        }
        // movw $40000, %cx; movb $0x41, %al; outb %al, $0xE9; loop to the outb; hlt
        let run = try GuestRun(code: [0xB9, 0x40, 0x9C, 0xB0, 0x41, 0xE6, 0xE9, 0xE2, 0xFC, 0xF4]) {
            $0.output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        }
        pipe.writeEnd.close()
        reader.join()
        #expect(run.reason == .halted)
        #expect(run.report.unwrittenBytes == 0)
        #expect(collected.bytes == [UInt8](repeating: 0x41, count: 40_000))
    }
}
