import KVM

/// The one timer of a run: it ends KVM_RUN when the deadline passes, and soon after output began to wait.
struct RunAlarm: ~Copyable {
    /// How long a byte of output may wait for others to be written with it, in nanoseconds.
    private static let flushDelay: Int64 = 10_000_000
    /// A kick can come while nothing can be interrupted; the next one comes so many nanoseconds later.
    private static let repetition: Int64 = 10_000_000

    private let timer: KickTimer
    /// In nanoseconds of the monotonic clock.
    private let deadline: Int64?
    /// Whether the timer will go off for the output that waits.
    private(set) var isSetForOutput = false

    /// For the calling thread, which runs the vCPU.
    init(timeout: Duration?) throws(KVMError) {
        let timer = try KickTimer()
        // Below zero is over already, and far below it the difference of two clocks would overflow.
        let deadline = timeout.map { MonotonicClock.now.addingReportingOverflow(max(.zero, $0).nanoseconds) }
            .map { $0.overflow ? Int64.max : $0.partialValue }
        try Self.set(timer, for: deadline)
        self.timer = timer
        self.deadline = deadline
    }

    var isOver: Bool {
        guard let deadline else { return false }
        return MonotonicClock.now >= deadline
    }

    mutating func setForOutput() throws(KVMError) {
        let untilDeadline = deadline.map { $0 - MonotonicClock.now } ?? .max
        try timer.arm(after: min(Self.flushDelay, untilDeadline), every: Self.repetition)
        isSetForOutput = true
    }

    mutating func setForDeadline() throws(KVMError) {
        isSetForOutput = false
        try Self.set(timer, for: deadline)
    }

    private static func set(_ timer: borrowing KickTimer, for deadline: Int64?) throws(KVMError) {
        if let deadline {
            try timer.arm(after: deadline - MonotonicClock.now, every: repetition)
        } else {
            timer.disarm()
        }
    }
}

extension Duration {
    /// Of a time that is not negative; at most what 64 bits hold, which is 292 years.
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return .max }
        let (sum, sumOverflow) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return sumOverflow ? .max : sum
    }
}
