import LinuxHost
import Synchronization

/// Finds out that no vCPU can ever run again, where HLT is no exit.
///
/// A vCPU alone tells it of itself. Several could wake each other between two looks, so that they are looked at together while
/// none is in the guest: the vCPU after whose look all seem asleep begins a round. In it each comes out of the guest and stands
/// still until all do, looks at itself, and goes on when all have looked.
///
/// Concurrency model: each vCPU's thread calls it. A round that one of them does not come to is given up soon.
final class SleepWatch: Sendable {
    private struct Round {
        let number: Int
        var standing = 0
        var looked = 0
        var allAsleep = true
    }

    private struct State {
        /// What each vCPU saw when it looked last.
        var asleep: [Bool]
        var round: Round?
        /// Of the last round that was not given up.
        var verdict = (number: 0, allAsleep: false)
        var roundCount = 0
        /// When a round may begin again, in nanoseconds of the monotonic clock.
        var restEnd: Int64 = 0
    }

    /// How long a vCPU may take to come out of the guest, in nanoseconds: one that handles an exit does not sleep.
    private static let patience: Int64 = 100_000_000

    private let count: Int
    private let rest: Int64
    private let state: Monitor<State>
    private let isUnderWay = Atomic<Bool>(false)

    /// - Parameter rest: how long none begins after one was given up, in nanoseconds: what a vCPU saw that does not come to look
    ///   again may be old.
    init(vcpuCount: Int, rest: Int64 = 1_000_000_000) {
        count = vcpuCount
        self.rest = rest
        state = Monitor(State(asleep: [Bool](repeating: false, count: vcpuCount)))
    }

    /// Whether a vCPU that has come out of the guest should take part in a round.
    var hasRound: Bool { isUnderWay.load(ordering: .acquiring) }

    /// A vCPU has looked at itself.
    ///
    /// - Returns: whether it has begun a round, to which the others must be kicked.
    func saw(vcpu: Int, asleep: Bool) -> Bool {
        state.change { state in
            state.asleep[vcpu] = asleep
            guard state.round == nil, !state.asleep.contains(false), MonotonicClock.now >= state.restEnd else {
                return false
            }
            state.roundCount += 1
            state.round = Round(number: state.roundCount)
            isUnderWay.store(true, ordering: .releasing)
            return true
        }
    }

    /// Takes part in the round that is under way.
    ///
    /// - Parameter isAsleep: asked while every vCPU stands still.
    /// - Returns: whether all sleep for good.
    func join<E: Error>(vcpu: Int, _ isAsleep: () throws(E) -> Bool) throws(E) -> Bool {
        let number = state.change { state in
            state.round?.standing += 1
            return state.round?.number ?? 0
        }
        guard wait(number, { [count] in $0.round?.standing == count ? true : nil }) else { return false }
        let asleep = try isAsleep()
        state.change { state in
            state.asleep[vcpu] = asleep
            guard var round = state.round, round.number == number else { return }
            round.looked += 1
            round.allAsleep = round.allAsleep && asleep
            state.round = round
            if round.looked == count {
                state.verdict = (number, round.allAsleep)
                finish(&state)
            }
        }
        return wait(number) { $0.verdict.number == number ? $0.verdict.allAsleep : nil }
    }

    /// Waits until `answer` is there. When that takes too long the round is given up, for all.
    private func wait(_ number: Int, _ answer: (borrowing State) -> Bool?) -> Bool {
        let end = MonotonicClock.now + Self.patience
        let result = state.wait(until: end) { state -> Bool? in
            answer(state) ?? (state.round?.number == number ? nil : false)
        }
        if let result { return result }
        state.change { state in
            guard state.round?.number == number else { return }
            state.restEnd = MonotonicClock.now + rest
            finish(&state)
        }
        return false
    }

    private func finish(_ state: inout State) {
        state.round = nil
        isUnderWay.store(false, ordering: .releasing)
    }
}
