import Glibc
import KVM
import LinuxHost
import TestSupport
import Testing
import VMM

@Suite("Ends that come from outside", .requiresKVM)
struct StopTests {
    private static func spinning(_ timeout: Duration?) throws(VMMError) -> VirtualMachine {
        var configuration = MachineConfiguration(image: .file(Guests.path("spin.bin")))
        configuration.memorySize = 1 << 20
        configuration.timeout = timeout
        return try VirtualMachine(configuration)
    }

    @Test("a deadline ends a guest that never would, not early and not much late", .tags(.timed))
    func deadline() throws {
        let machine = try Self.spinning(.milliseconds(200))
        let wait = ProcessorWait()
        let start = ContinuousClock.now
        let finished = machine.run()
        let reason = try finished.reason
        let time = ContinuousClock.now - start
        let longestWait = wait.end()
        #expect(reason == .deadline)
        // Seen: 200.2 ms on an idle machine. On a busy one the vCPU's thread waits for a processor.
        #expect(time >= .milliseconds(200))
        #expect(time < .milliseconds(2_000) + longestWait * 4, "\(longestWait)")
        #expect(finished.report.wallNanoseconds >= 200_000_000)
    }

    @Test(
        "a time that is over at once, or was never there, ends the run at once",
        arguments: [
            .zero, .nanoseconds(1), .seconds(-1), .seconds(Int64.min),
            .init(secondsComponent: -9_223_372_036, attosecondsComponent: -900_000_000_000_000_000),
        ] as [Duration])
    func deadlineInThePast(timeout: Duration) throws {
        let machine = try Self.spinning(timeout)
        let finished = machine.run()
        #expect(try finished.reason == .deadline)
    }

    @Test(
        "a time too long for a clock is no deadline",
        arguments: [.seconds(Int64.max), .seconds(9_223_372_036)] as [Duration])
    func farDeadline(timeout: Duration) throws {
        let run = try GuestRun(code: [0xF4]) { $0.timeout = timeout }
        #expect(run.reason == .halted)
    }

    /// In a process of its own, which is left without room for signals that wait.
    @Test("another thread stops a guest where the system queues no more signals")
    func stoppedWithoutQueue() async {
        await #expect(processExitsWith: .success) {
            alarm(600)
            let (control, stream) = (MachineControl(), GuestStream())
            // movb $'>', %al; outb %al, $0xE9; jmp to itself
            var configuration = MachineConfiguration(
                image: .bytes([0xB0, 0x3E, 0xE6, 0xE9, 0xEB, 0xFE]), stream: stream)
            configuration.control = control
            let run = Task { [configuration] in try await VirtualMachine(configuration).run().reason }
            // By then the vCPU's timers are there.
            try await stream.wait(for: ">")
            // RLIMIT_SIGPENDING
            var limit = rlimit(rlim_cur: 0, rlim_max: 0)
            guard unsafe setrlimit(__rlimit_resource_t(11), &limit) == 0 else { exit(2) }
            control.stop()
            exit(try await run.value == .stopped ? EXIT_SUCCESS : 3)
        }
    }

    @Test("another thread stops a guest that never would end, by its kick and not by a look now and then")
    func stopped() throws {
        let machine = try Self.spinning(TestScale.patience)
        let handle = machine.control
        let other = HostThread {
            usleep(50_000)
            handle.stop()
        }
        let finished = machine.run()
        let reason = try finished.reason
        other.join()
        #expect(reason == .stopped)
        // A kick may end a run that is about to begin, and then another one.
        #expect((1...2).contains(finished.report.exitsByKind["interrupted"] ?? 0), "\(finished.report.exitsByKind)")
    }

    @Test("a stop before the run ends it before the guest's first instruction")
    func stoppedBefore() throws {
        var configuration = MachineConfiguration(image: .bytes([0xB0, 0x41, 0xE6, 0xE9, 0xF4]))  // prints an A
        configuration.timeout = TestScale.patience
        let machine = try VirtualMachine(configuration)
        machine.control.stop()
        machine.control.stop()
        let finished = machine.run()
        #expect(try finished.reason == .stopped)
        #expect(configuration.output.collected == [])
        #expect(finished.report.exitsByKind == [:])
    }

    @Test("a stop after the end, or after the machine is gone, does nothing")
    func stoppedAfter() throws {
        let handle: MachineControl
        do {
            let machine = try VirtualMachine(MachineConfiguration(image: .bytes([0xF4])))
            handle = machine.control
            let finished = machine.run()
            #expect(try finished.reason == .halted)
            handle.stop()
        }
        handle.stop()
    }

    @Test("a stop reaches a guest that never stops exiting, and what it printed is whole")
    func stoppedWhilePrinting() throws {
        // movb $0x41, %al; outb %al, $0xE9; jmp to the outb
        var configuration = MachineConfiguration(image: .bytes([0xB0, 0x41, 0xE6, 0xE9, 0xEB, 0xFC]))
        configuration.timeout = TestScale.patience
        let machine = try VirtualMachine(configuration)
        let handle = machine.control
        let other = HostThread {
            usleep(100_000)
            handle.stop()
        }
        let finished = machine.run()
        #expect(try finished.reason == .stopped)
        other.join()
        let report = finished.report
        #expect(report.unwrittenBytes == 0)
        #expect(UInt64(configuration.output.collected.count) == report.consoleBytes["debug"])
        #expect(report.exitsByPort.map(\.port) == ["0xe9"])
        #expect(report.exitsByPort.first?.count == report.consoleBytes["debug"])
    }

    /// In a process of its own: what a signal does is a property of the process, and it is remembered for ever.
    @Test("a signal that the program chose to catch ends the run, and is the reason")
    func caughtSignal() async {
        await #expect(processExitsWith: .success) {
            // The threads that run tests block signals.
            var none = sigset_t()
            // SAFETY: the set is this function's own.
            unsafe sigemptyset(&none)
            unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
            try StopSignals.catch(SIGTERM)
            let machine = try Self.spinning(TestScale.patience)
            let thread = pthread_self()
            let other = HostThread {
                usleep(50_000)
                pthread_kill(thread, SIGTERM)
            }
            let finished = machine.run()
            let reason = try finished.reason
            other.join()
            exit(reason == .signal(SIGTERM) ? EXIT_SUCCESS : 1)
        }
    }
}
