/// Where a machine is in its life.
public enum MachineState: Equatable, Sendable {
    /// It may be made already; its guest has not begun.
    case ready
    case running
    /// No vCPU is in the guest and no device works.
    case paused
    /// The run is over, for this reason.
    case ended(StopReason)
    /// The run is over because the host failed.
    case failed(VMMError)

    var isOver: Bool {
        switch self {
        case .ended, .failed: true
        case .ready, .running, .paused: false
        }
    }
}

/// A machine's state, and those who follow it.
struct StateFeed {
    /// How many states may wait for one who follows; of more the oldest are lost.
    private static let backlog = 16

    private(set) var state = MachineState.ready
    private var followers: [Int: AsyncStream<MachineState>.Continuation] = [:]
    private var count = 0

    mutating func set(_ new: MachineState) {
        guard new != state, !state.isOver else { return }
        state = new
        for follower in followers.values { follower.yield(new) }
    }

    /// - Returns: the follower's number; nil where nothing more can come.
    mutating func add(_ follower: AsyncStream<MachineState>.Continuation) -> Int? {
        follower.yield(state)
        guard !state.isOver else { return nil }
        count += 1
        followers[count] = follower
        return count
    }

    mutating func remove(_ number: Int) {
        followers[number] = nil
    }

    /// Gives up all that are there: to be ended without the lock, as they take themselves off.
    mutating func takeAll() -> [AsyncStream<MachineState>.Continuation] {
        defer { followers = [:] }
        return Array(followers.values)
    }

    static func makeStream() -> (AsyncStream<MachineState>, AsyncStream<MachineState>.Continuation) {
        AsyncStream.makeStream(of: MachineState.self, bufferingPolicy: .bufferingNewest(backlog))
    }
}

extension MachineControl {
    /// The machine's state.
    public var state: MachineState { feed { $0.state } }

    /// Its state now and each one that follows, to the end of the run. Each call gives a sequence of its own. One whose reader falls far
    /// behind leaves out the oldest states, never the last.
    public var states: AsyncStream<MachineState> {
        let (stream, follower) = StateFeed.makeStream()
        guard let number = feed({ $0.add(follower) }) else {
            follower.finish()
            return stream
        }
        follower.onTermination = { [weak self] _ in self?.feed { $0.remove(number) } }
        return stream
    }
}

/// Goes with a machine that was made: where there was no run, those who follow it are told.
final class RunlessEnd: Sendable {
    private let control: MachineControl

    init(of control: MachineControl) {
        self.control = control
    }

    deinit { control.noteEnd(.ended(.stopped)) }
}
