import CLinuxHost
import Glibc
import SystemPackage

/// Waiting with descriptors on a thread that can be kicked (``KickSignal``): a kick ends the wait, also one that came just before it.
public enum InterruptibleWait {
    public enum Outcome: Equatable, Sendable {
        /// With poll(2)'s words for the two descriptors.
        case ready(Int16, Int16)
        case timeout
        /// Whoever is told this looks at all that a kick may have been for.
        case interrupted
    }

    /// Waits until a descriptor is ready.
    ///
    /// - Parameters:
    ///   - first: below 0 for none, and so is `second`.
    ///   - events: what of the first is waited for, as poll(2) has it.
    ///   - second: waited for to have input.
    ///   - nanoseconds: how long at most; below 0 for as long as it takes.
    public static func wait(
        for first: Int32, _ events: Int32 = POLLIN, or second: Int32 = -1, nanoseconds: Int64 = -1
    ) -> Outcome {
        var requests = (
            pollfd(fd: first, events: Int16(events), revents: 0),
            pollfd(fd: second, events: Int16(POLLIN), revents: 0)
        )
        // SAFETY: two structures one behind the other, the caller's own.
        let result = unsafe withUnsafeMutablePointer(to: &requests) { pair in
            unsafe pair.withMemoryRebound(to: pollfd.self, capacity: 2) { unsafe clinux_wait($0, 2, nanoseconds) }
        }
        if result > 0 { return .ready(requests.0.revents, requests.1.revents) }
        return result == 0 ? .timeout : .interrupted
    }
}

/// A call of the system that may wait for another program, as opening a named pipe waits for its other end.
public enum PatientCall {
    public enum Failure: Error, Equatable, Sendable {
        case failed(Errno)
        /// It was given up: for one of ``StopSignals``, or because the deadline passed.
        case signal(Int32)
        case deadline
    }

    /// How often the reasons to give up are looked at, in nanoseconds: a signal that comes just before a call does not end it.
    private static let interval: Int64 = 20_000_000

    /// Calls until it is done.
    ///
    /// - Parameters:
    ///   - deadline: until when it is waited.
    ///   - body: a call that a signal ends, whose result is below 0 when it fails.
    public static func run(until deadline: Deadline, _ body: () -> Int32) throws(Failure) -> Int32 {
        let timer = try makeTimer(deadline)
        defer { timer.disarm() }
        while true {
            // First: most calls wait for nobody.
            let result = body()
            if result >= 0 { return result }
            guard errno == EINTR else { throw .failed(.current) }
            if let signal = StopSignals.caught { throw .signal(signal) }
            if deadline.isOver { throw .deadline }
        }
    }

    private static func makeTimer(_ deadline: Deadline) throws(Failure) -> KickTimer {
        do throws(HostError) {
            try KickSignal.install()
            let timer = try KickTimer()
            try timer.arm(after: min(interval, deadline.timeLeft), every: interval)
            return timer
        } catch {
            throw .failed(error.reason)
        }
    }
}

/// Poll(2)'s words for a descriptor now; 0 where nothing of what is asked for is there.
public func readiness(of descriptor: Int32, _ events: Int32) -> Int16 {
    var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    // SAFETY: one structure, the caller's own.
    return unsafe poll(&request, 1, 0) > 0 ? request.revents : 0
}

/// A value with a lock, and threads that wait for it to change.
///
/// Concurrency model: safe from any thread. A kick does not end a wait.
@safe public final class Monitor<State>: @unchecked Sendable {
    // SAFETY: made and destroyed with this object; the value is looked at with the mutex held alone.
    private let condition: UnsafeMutablePointer<clinux_condition>
    private var state: State

    public init(_ state: sending State) {
        unsafe condition = .allocate(capacity: 1)
        unsafe clinux_condition_init(condition)
        self.state = state
    }

    deinit {
        unsafe clinux_condition_destroy(condition)
        unsafe condition.deallocate()
    }

    /// Does something with the value; whoever waits looks again.
    public func change<R>(_ body: (inout State) -> R) -> R {
        unsafe pthread_mutex_lock(&condition.pointee.mutex)
        defer { unsafe pthread_mutex_unlock(&condition.pointee.mutex) }
        let result = body(&state)
        unsafe pthread_cond_broadcast(&condition.pointee.changed)
        return result
    }

    /// Waits until `answer` gives one.
    ///
    /// - Parameters:
    ///   - end: in nanoseconds of the monotonic clock; nil for as long as it takes.
    ///   - answer: asked at first and after each change.
    /// - Returns: nil when the time is over.
    public func wait<R>(until end: Int64? = nil, for answer: (inout State) -> R?) -> R? {
        unsafe pthread_mutex_lock(&condition.pointee.mutex)
        defer { unsafe pthread_mutex_unlock(&condition.pointee.mutex) }
        while true {
            if let result = answer(&state) { return result }
            if unsafe clinux_condition_wait(condition, end.map { max(0, $0) } ?? -1) == 0 { return answer(&state) }
        }
    }
}
