import KVM

/// The one timer of a run: it ends KVM_RUN when the deadline passes, soon after output began to wait, and now and then
/// where something must be looked at that is no exit.
struct RunAlarm: ~Copyable {
    /// How long a byte of output may wait for others to be written with it, in nanoseconds; and how often writes that are
    /// no exits are looked for.
    private static let flushDelay: Int64 = 10_000_000
    /// A kick can come while nothing can be interrupted; the next one comes so many nanoseconds later.
    private static let repetition: Int64 = 10_000_000
    /// How often a guest whose HLT is no exit is looked at, in nanoseconds.
    private static let watchInterval: Int64 = 1_000_000_000

    private let timer: KickTimer
    /// In nanoseconds of the monotonic clock.
    private let deadline: Int64?
    private let watches: Bool
    private var polls = false
    private var isSetForWaitingOutput = false

    /// For the calling thread, which runs the vCPU. The first ``rest()`` sets it.
    ///
    /// - Parameter watches: whether to kick each second as well.
    init(timeout: Duration?, watches: Bool) throws(KVMError) {
        // Below zero is over already, and far below it the difference of two clocks would overflow.
        let deadline = timeout.map { MonotonicClock.now.addingReportingOverflow(max(.zero, $0).nanoseconds) }
            .map { $0.overflow ? Int64.max : $0.partialValue }
        timer = try KickTimer()
        self.deadline = deadline
        self.watches = watches
    }

    var isOver: Bool {
        guard let deadline else { return false }
        return MonotonicClock.now >= deadline
    }

    /// Whether the timer will go off for the output that waits.
    var isSetForOutput: Bool { polls || isSetForWaitingOutput }

    mutating func setForOutput() throws(KVMError) {
        guard !isSetForOutput else { return }
        try timer.arm(after: min(Self.flushDelay, untilDeadline), every: Self.repetition)
        isSetForWaitingOutput = true
    }

    /// From now on kicks often enough to see writes that are no exits.
    mutating func poll() throws(KVMError) {
        polls = true
        try rest()
    }

    /// At the beginning, and after a kick: sets the timer for the next reason to look.
    mutating func rest() throws(KVMError) {
        isSetForWaitingOutput = false
        if polls {
            try timer.arm(after: min(Self.flushDelay, untilDeadline), every: Self.flushDelay)
        } else if watches {
            try timer.arm(after: min(Self.watchInterval, untilDeadline), every: Self.repetition)
        } else if deadline != nil {
            try timer.arm(after: untilDeadline, every: Self.repetition)
        } else {
            timer.disarm()
        }
    }

    /// In nanoseconds.
    private var untilDeadline: Int64 { deadline.map { $0 - MonotonicClock.now } ?? .max }
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
