/// How much work is measured, and how often.
struct ComputePlan {
    let rounds: Int
    /// Of the whole, in seconds; rounds that would not end in it are left out.
    let timeLimit: Double
    /// Of one run on the host, in seconds.
    let workTime: Double

    static let full = ComputePlan(rounds: 21, timeLimit: 50, workTime: 0.13)
    static let quick = ComputePlan(rounds: 5, timeLimit: 10, workTime: 0.1)

    /// What the guest takes at most.
    private static let mostSteps: UInt64 = 1 << 32

    /// - Parameter look: a run on the host before.
    /// - Returns: nil when that was long enough to tell how many steps are wanted.
    func nextLook(after look: ComputeRound) -> UInt64? {
        guard look.seconds < workTime / 4, look.steps < Self.mostSteps else { return nil }
        return Self.limit(Double(look.steps) * min(64, max(2, workTime / 2 / max(look.seconds, 1e-6))))
    }

    /// How many steps every run of a work does.
    func steps(after look: ComputeRound) -> UInt64 {
        Self.limit(Double(look.steps) * workTime / max(look.seconds, 1e-6))
    }

    private static func limit(_ steps: Double) -> UInt64 {
        UInt64(min(max(steps, Double(ComputeComparison.fewestSteps)), Double(mostSteps)))
    }
}
