import LinuxHost

/// The one timer of a vCPU's thread: it ends KVM_RUN when the deadline passes, soon after output began to wait, and now and then
/// where something must be looked at that is no exit.
struct RunAlarm: ~Copyable {
    /// How long a byte of output may wait for others to be written with it, in nanoseconds; and how often writes that are
    /// no exits are looked for at least.
    private static let flushDelay: Int64 = 10_000_000
    /// The same where a part of this program waits for the output, which may be one side of a dialogue.
    private static let promptDelay: Int64 = 200_000
    /// A kick can come while nothing can be interrupted; the next one comes so many nanoseconds later.
    private static let repetition: Int64 = 10_000_000
    /// How long one write may be held up, in nanoseconds, before the reasons to give up are looked at again.
    private static let writePatience: Int64 = 50_000_000
    /// How often a guest whose HLT is no exit is looked at, in nanoseconds.
    private static let watchInterval: Int64 = 1_000_000_000

    private let timer: KickTimer
    private let deadline: Deadline
    private let watches: Bool
    /// How long output may wait.
    private let delay: Int64
    private var polls = false
    /// How long until writes that are no exits are looked for next: the longer nothing happens, the longer.
    private var pollDelay: Int64
    private var isSetForWaitingOutput = false

    /// For the calling thread, which runs a vCPU. The first ``rest()`` sets it.
    ///
    /// - Parameters:
    ///   - watches: whether to kick each second as well.
    ///   - isPrompt: whether output is not to wait for long.
    init(_ deadline: Deadline, watches: Bool, isPrompt: Bool = false) throws(HostError) {
        timer = try KickTimer()
        self.deadline = deadline
        self.watches = watches
        delay = isPrompt ? Self.promptDelay : Self.flushDelay
        pollDelay = delay
    }

    /// There was an exit: where output waits, or may wait in the kernel's ring, the timer goes off soon.
    mutating func noteExit(outputWaits: Bool) throws(HostError) {
        if polls {
            guard pollDelay > delay else { return }
            pollDelay = delay
            try rest()
        } else if outputWaits, !isSetForWaitingOutput {
            try timer.arm(after: min(delay, deadline.timeLeft), every: Self.repetition)
            isSetForWaitingOutput = true
        }
    }

    /// From now on kicks often enough to see writes that are no exits.
    mutating func poll() throws(HostError) {
        polls = true
        pollDelay = delay
        try rest()
    }

    /// A kick has found no output.
    mutating func lookLessOften() {
        pollDelay = min(2 * pollDelay, Self.flushDelay)
    }

    /// No more.
    mutating func stopPolling() {
        polls = false
    }

    /// While the calling thread writes output: a reader that takes a part of what is written holds up the system call.
    mutating func setForWriting() throws(HostError) {
        try timer.arm(after: Self.writePatience, every: Self.writePatience)
    }

    /// At the beginning, and after a kick: sets the timer for the next reason to look.
    mutating func rest() throws(HostError) {
        isSetForWaitingOutput = false
        if polls {
            try timer.arm(after: min(pollDelay, deadline.timeLeft), every: Self.flushDelay)
        } else if watches {
            try timer.arm(after: min(Self.watchInterval, deadline.timeLeft), every: Self.repetition)
        } else if deadline.exists {
            try timer.arm(after: deadline.timeLeft, every: Self.repetition)
        } else {
            timer.disarm()
        }
    }
}
