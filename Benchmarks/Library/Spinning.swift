import Synchronization
import VMM

/// How soon machines that spin are made and end when their tasks are cancelled, and how long another task waits for its turn meanwhile.
enum Spinning {
    private static let machineCount = 200

    static func run() async throws {
        let controls = (0..<machineCount).map { _ in MachineControl() }
        let ticker = Ticker()
        let tick = Task { await ticker.run() }
        let group = Task {
            try await withThrowingTaskGroup(of: StopReason.self) { group in
                for control in controls { group.addTask { try await VirtualMachine(spinning(control)).run().reason } }
                return try await group.reduce(into: [StopReason]()) { $0.append($1) }
            }
        }
        let start = ContinuousClock.now
        for control in controls { for await state in control.states where state == .running { break } }
        let all = ContinuousClock.now
        let longestBefore = ticker.takeLongest()
        try await Task.sleep(for: .seconds(2))
        let cancelled = ContinuousClock.now
        group.cancel()
        let reasons = try await group.value
        let end = ContinuousClock.now
        tick.cancel()
        await tick.value
        guard reasons == controls.map({ _ in .stopped }) else { throw Unexpected(reasons: reasons) }
        say("spinning: \(machineCount) machines in tasks, each cancelled")
        let (made, ended) = (milliseconds(all - start), milliseconds(end - cancelled))
        say("  all run after \(made), all have ended \(ended) after the cancellation")
        let (before, then) = (milliseconds(longestBefore), milliseconds(ticker.takeLongest()))
        say(
            "  another task that sleeps for 1 ms at a time: its longest sleep \(before) while they are made, \(then) then"
        )
    }

    private static func spinning(_ control: MachineControl) -> MachineConfiguration {
        // jmp to itself
        var configuration = MachineConfiguration(image: .bytes([0xEB, 0xFE]))
        configuration.memorySize = 1 << 20
        configuration.control = control
        return configuration
    }

    private static func milliseconds(_ duration: Duration) -> String {
        "\(Int(duration / .milliseconds(1))) ms"
    }

    private struct Unexpected: Error {
        let reasons: [StopReason]
    }
}

/// A task that wants to run each millisecond.
private final class Ticker: Sendable {
    private let longest = Mutex(Duration.zero)

    /// Since the last time.
    func takeLongest() -> Duration {
        longest.withLock { longest in
            defer { longest = .zero }
            return longest
        }
    }

    /// Until its task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let start = ContinuousClock.now
            try? await Task.sleep(for: .milliseconds(1))
            let time = ContinuousClock.now - start
            longest.withLock { $0 = max($0, time) }
        }
    }
}
