import Synchronization
import VMM

/// A dialogue with a guest that runs:
///
/// ```swift
/// let session = guest.start()
/// try await session.wait(for: "login: ")
/// session.send("root\n")
/// try await session.wait(for: "# ")
/// session.send("poweroff\n")
/// try await session.finish().expect(end: .poweredOff)
/// ```
///
/// The guest's deadline ends every wait. A guest whose session nobody has any more is stopped.
///
/// Concurrency model: safe from any thread; one task at a time waits.
public final class Session: Sendable {
    private let run: GuestRun
    /// How much of the output was waited for.
    private let position = Mutex(0)

    init(_ run: GuestRun) {
        self.run = run
    }

    deinit {
        run.stop()
    }

    /// All that the guest has printed so far, with what is no UTF-8 replaced.
    public var output: String { String(decoding: run.printed, as: UTF8.self) }

    /// Waits until the guest has printed a text, behind what was waited for before.
    ///
    /// - Returns: what it printed from there on, with the text at its end.
    /// - Throws: where the guest ended without it, by its deadline too, and where the task is cancelled, which stops the guest.
    @discardableResult
    public func wait(
        for text: String, fileID: StaticString = #fileID, line: UInt = #line
    ) async throws(GuestFailure) -> String {
        let place = SourcePlace(fileID, line)
        let start = position.withLock { $0 }
        let search = OutputSearch(for: text, from: start)
        await run.wait { [run] in search.end(in: run.printed) != nil }
        let printed = run.printed
        if let end = search.end(in: printed) {
            position.withLock { $0 = end }
            return String(decoding: printed[start..<end], as: UTF8.self)
        }
        let outcome = try await outcome(place)
        throw GuestFailure(outcome, "it did not print \(shown(text))", place).recorded()
    }

    /// Gives the guest input, in UTF-8. It waits until the guest takes it; a guest that has ended takes nothing.
    public func send(_ text: String) {
        run.send(Array(text.utf8))
    }

    /// Ends the run from outside, for a guest that goes on for ever: it ends as `.stopped`.
    public func stop() {
        run.stop()
    }

    /// Waits until the guest has ended, whatever the end is.
    ///
    /// - Throws: as ``Guest/run(fileID:line:)``.
    @discardableResult
    public func finish(fileID: StaticString = #fileID, line: UInt = #line) async throws(GuestFailure) -> Outcome {
        try await outcome(SourcePlace(fileID, line))
    }

    func outcome(_ place: SourcePlace) async throws(GuestFailure) -> Outcome {
        switch await run.ended() {
        case .success(let outcome) where outcome.reason == .stopped && Task.isCancelled:
            throw GuestFailure(outcome, "its test was cancelled", place).recorded()
        case .success(let outcome): return outcome
        case .failure(var failure):
            failure.place = place
            throw failure.recorded()
        }
    }
}

/// Looks for a text in output that grows.
private final class OutputSearch: Sendable {
    /// The search, and how much of the output it has seen.
    private let state: Mutex<(search: TextSearch, position: Int, end: Int?)>

    init(for text: String, from start: Int) {
        state = Mutex((TextSearch(for: text), start, text.isEmpty ? start : nil))
    }

    /// Where the text ends.
    func end(in output: [UInt8]) -> Int? {
        state.withLock { state in
            while state.end == nil, state.position < output.count {
                let isFound = state.search.ends(with: output[state.position])
                state.position += 1
                if isFound { state.end = state.position }
            }
            return state.end
        }
    }
}
