import Glibc
import LinuxHost
import SystemPackage
import TestSupport
import Testing

/// In processes of their own: what a signal does is a property of the process, and it is remembered for ever.
@Suite("Signals of the process")
struct SignalTests {
    /// Lets signals reach the calling thread: those that run tests block them.
    private static func admitSignals() {
        var none = sigset_t()
        // SAFETY: the set is this function's own.
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
    }

    @Test("one that is sent later comes, and not early")
    func later() async {
        await #expect(processExitsWith: .success) {
            Self.admitSignals()
            try StopSignals.catch(SIGTERM)
            let start = MonotonicClock.now
            StopSignals.send(SIGTERM, after: 20_000_000)
            guard StopSignals.caught == nil || MonotonicClock.now - start >= 20_000_000 else { exit(1) }
            guard happens({ StopSignals.caught == SIGTERM }) else { exit(2) }
            exit(MonotonicClock.now - start >= 20_000_000 ? EXIT_SUCCESS : 3)
        }
    }

    @Test("one that is sent at once comes")
    func atOnce() async {
        await #expect(processExitsWith: .success) {
            Self.admitSignals()
            try StopSignals.catch(SIGTERM)
            for delay in [0, -1] as [Int64] {
                StopSignals.send(delay == 0 ? SIGTERM : SIGINT, after: delay)
                if delay == 0 { try StopSignals.catch(SIGINT) }
                guard eventually(within: .seconds(20), { StopSignals.caught != nil }) else { exit(1) }
            }
            exit(eventually(within: .seconds(20)) { StopSignals.caught == SIGINT } ? EXIT_SUCCESS : 2)
        }
    }

    @Test("one that is sent later ends a wait")
    func endsWait() async {
        await #expect(processExitsWith: .success) {
            Self.admitSignals()
            try StopSignals.catch(SIGINT)
            let thread = pthread_self()
            let forwarder = HostThread {
                // The process has other threads, which may take the signal of the process.
                while StopSignals.caught == nil { usleep(1_000) }
                pthread_kill(thread, SIGINT)
            }
            StopSignals.send(SIGINT, after: 1_000_000)
            guard InterruptibleWait.wait(for: -1, nanoseconds: patience) == .interrupted else { exit(1) }
            forwarder.join()
            exit(StopSignals.caught == SIGINT ? EXIT_SUCCESS : 2)
        }
    }

    @Test(
        "the next one that is diverted signals an event and asks for nothing; those after it, or after the diversion, do"
    )
    func diverted() async {
        await #expect(processExitsWith: .success) {
            try StopSignals.catch(SIGTERM)
            try StopSignals.catch(SIGINT)
            // Of the calling thread, and so each has been handled when the call is back.
            Self.admitSignals()
            let event = try EventFD()
            StopSignals.divertNext(SIGTERM, to: event)
            pthread_kill(pthread_self(), SIGTERM)
            guard event.take() == 1, StopSignals.caught == nil else { exit(1) }
            pthread_kill(pthread_self(), SIGTERM)
            guard event.take() == 0, StopSignals.caught == SIGTERM else { exit(2) }
            StopSignals.divertNext(SIGINT, to: event)
            StopSignals.endDiversion()
            pthread_kill(pthread_self(), SIGINT)
            exit(event.take() == 0 && StopSignals.caught == SIGINT ? EXIT_SUCCESS : 3)
        }
    }

    @Test("an event may be closed once its diversion has ended, though other threads take the signal meanwhile")
    func diversionEnds() async {
        await #expect(processExitsWith: .success) {
            try StopSignals.catch(SIGTERM)
            let isOver = Record<Bool>()
            let isReady = Record<pthread_t>()
            let taker = HostThread {
                Self.admitSignals()
                isReady.append(pthread_self())
                while isOver.all.isEmpty { sched_yield() }
            }
            guard eventually(within: .seconds(60), { !isReady.all.isEmpty }) else { exit(1) }
            let thread = isReady.all[0]
            let later = try EventFD()
            for _ in 0..<20_000 {
                let event = try EventFD()
                StopSignals.divertNext(SIGTERM, to: event)
                pthread_kill(thread, SIGTERM)
                StopSignals.endDiversion()
                // What has its number from now on is not written to.
                guard dup2(later.number, event.number) == event.number else { exit(2) }
                guard later.take() == 0 else { exit(3) }
            }
            isOver.append(true)
            taker.join()
            exit(later.take() == 0 ? EXIT_SUCCESS : 4)
        }
    }

    @Test("one that nobody catches ends the process as ever")
    func notCaught() async {
        await #expect(processExitsWith: .signal(SIGTERM)) {
            Self.admitSignals()
            StopSignals.send(SIGTERM, after: 1_000_000)
            while true { sleep(1) }
        }
    }

    @Test("the process tells which ones it ignores")
    func ignored() async {
        await #expect(processExitsWith: .success) {
            guard !StopSignals.isIgnored(SIGHUP), !StopSignals.isIgnored(0), !StopSignals.isIgnored(1_000) else {
                exit(1)
            }
            _ = signal(SIGHUP, SIG_IGN)
            exit(StopSignals.isIgnored(SIGHUP) ? EXIT_SUCCESS : 2)
        }
    }

    @Test("the kick's is installed as often as one likes, unless the process has another use for it")
    func installed() async {
        await #expect(processExitsWith: .success) {
            for _ in 0..<3 { try KickSignal.install() }
            _ = signal(KickSignal.number, SIG_IGN)
            do throws(HostError) {
                try KickSignal.install()
                exit(1)
            } catch {
                exit(error == HostError("handle the stop signal", .resourceBusy) ? EXIT_SUCCESS : 2)
            }
        }
    }

    @Test("a thread of the system takes none but those by which the processor tells of a fault")
    func threads() throws {
        let record = Record<[Int32]>()
        let thread = try SystemThread {
            var mask = sigset_t()
            // SAFETY: the set is the thread's own.
            unsafe pthread_sigmask(SIG_BLOCK, nil, &mask)
            let signals = [SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGWINCH, KickSignal.number, SIGSEGV, SIGBUS]
            record.append(signals.filter { unsafe sigismember(&mask, $0) == 0 })
        }
        thread.join()
        #expect(record.all == [[SIGSEGV, SIGBUS]])
    }

    private static var takesBrokenPipes: Bool {
        var mask = sigset_t()
        // SAFETY: the set is the thread's own.
        unsafe pthread_sigmask(SIG_BLOCK, nil, &mask)
        return unsafe sigismember(&mask, SIGPIPE) == 0
    }

    private static var brokenPipeIsPending: Bool {
        var pending = sigset_t()
        // SAFETY: the set is the thread's own.
        unsafe sigpending(&pending)
        return unsafe sigismember(&pending, SIGPIPE) == 1
    }

    @Test("a broken pipe's that comes while it is held back ends nothing, and is gone afterwards")
    func brokenPipe() async {
        await #expect(processExitsWith: .success) {
            _ = signal(SIGPIPE, SIG_DFL)
            guard Self.takesBrokenPipes else { exit(1) }
            // One within the other: what the first has found is what is left.
            let outer = BrokenPipeSignal.hold()
            let inner = BrokenPipeSignal.hold()
            raise(SIGPIPE)
            guard Self.brokenPipeIsPending else { exit(2) }
            inner.release()
            guard !Self.brokenPipeIsPending, !Self.takesBrokenPipes else { exit(3) }
            raise(SIGPIPE)
            outer.release()
            exit(Self.takesBrokenPipes ? EXIT_SUCCESS : 4)
        }
    }

    @Test("one that waited before it was held back waits afterwards")
    func brokenPipeBefore() async {
        await #expect(processExitsWith: .success) {
            var set = sigset_t()
            // SAFETY: the set is the thread's own.
            unsafe sigemptyset(&set)
            unsafe sigaddset(&set, SIGPIPE)
            unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
            raise(SIGPIPE)
            BrokenPipeSignal.hold().release()
            exit(Self.brokenPipeIsPending && !Self.takesBrokenPipes ? EXIT_SUCCESS : 1)
        }
    }
}
