import Glibc
import KVM
import LinuxHost
import SystemPackage
import TestSupport
import Testing

/// In processes of their own: what a signal does is a property of the process, and it is remembered for ever.
@Suite("Signals of the process that stop a run", .requiresKVM)
struct StopSignalsTests {
    /// Lets signals reach the calling thread: those that run tests block them.
    private static func admitSignals() {
        var none = sigset_t()
        // SAFETY: the set is this function's own.
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
    }

    /// Runs a guest that never exits, with `signal` on its way to this thread in 20 ms.
    private static func interruptedBy(_ signal: Int32) throws -> VCPUExit {
        let thread = pthread_self()
        var machine = try TestMachine([0xEB, 0xFE])
        let sender = HostThread {
            usleep(20_000)
            pthread_kill(thread, signal)
        }
        let exit = try machine.vcpu.run()
        sender.join()
        return exit
    }

    @Test("a caught signal ends the run and is remembered")
    func caught() async {
        await #expect(processExitsWith: .success) {
            Self.admitSignals()
            try StopSignals.catch(SIGTERM)
            guard StopSignals.caught == nil else { exit(1) }
            guard try Self.interruptedBy(SIGTERM) == .interrupted else { exit(2) }
            exit(StopSignals.caught == SIGTERM ? EXIT_SUCCESS : 3)
        }
    }

    @Test("the last of several signals counts, and kicks are not among them")
    func last() async {
        await #expect(processExitsWith: .success) {
            Self.admitSignals()
            try StopSignals.catch(SIGTERM)
            try StopSignals.catch(SIGINT)
            raise(SIGINT)
            raise(SIGTERM)
            guard StopSignals.caught == SIGTERM else { exit(1) }
            var machine = try TestMachine([0xEB, 0xFE])
            machine.vcpu.kicker.kick()
            guard try machine.vcpu.run() == .interrupted else { exit(2) }
            exit(StopSignals.caught == SIGTERM ? EXIT_SUCCESS : 3)
        }
    }

    @Test("a signal that nobody asked to catch ends the process as ever")
    func notCaught() async {
        await #expect(processExitsWith: .signal(SIGTERM)) {
            Self.admitSignals()
            _ = try KVMSystem()
            raise(SIGTERM)
        }
    }

    @Test("a signal that cannot be caught is an error", arguments: [SIGKILL, SIGSTOP, 0, 65, -1])
    func refused(signal: Int32) {
        #expect(throws: HostError("handle signal \(signal)", .invalidArgument)) {
            try StopSignals.catch(signal)
        }
    }
}
