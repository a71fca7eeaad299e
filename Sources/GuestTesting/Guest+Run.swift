extension Guest {
    /// Runs the guest to its end, whatever that is. Takes no thread of Swift's; a task that is cancelled stops the guest.
    ///
    /// - Parameters:
    ///   - fileID: the file that a failure is said to be in.
    ///   - line: the line.
    /// - Throws: where no machine can be made, the host fails, or the task is cancelled.
    public func run(fileID: StaticString = #fileID, line: UInt = #line) async throws(GuestFailure) -> Outcome {
        let place = SourcePlace(fileID, line)
        return try await Session(GuestRun(self, isDialogue: false)).outcome(place)
    }

    /// Runs the guest, and looks how it ended and what it printed.
    ///
    /// - Parameters:
    ///   - output: all that it has to print, or a part of it; nil for anything.
    ///   - status: what it has to write to an exit port.
    ///   - fileID: the file that a failure is said to be in.
    ///   - line: the line.
    /// - Throws: where something else came, and as ``run(fileID:line:)``.
    @discardableResult
    public func expect(
        output: ExpectedOutput? = nil, exit status: UInt8, fileID: StaticString = #fileID, line: UInt = #line
    ) async throws(GuestFailure) -> Outcome {
        try await expect(output: output, end: .exited(status: status), fileID: fileID, line: line)
    }

    /// The same for another end, such as `.halted` or `.poweredOff`.
    @discardableResult
    public func expect(
        output: ExpectedOutput? = nil, end: StopReason, fileID: StaticString = #fileID, line: UInt = #line
    ) async throws(GuestFailure) -> Outcome {
        try await run(fileID: fileID, line: line).expect(output: output, end: end, fileID: fileID, line: line)
    }

    /// Starts the guest for a dialogue with it.
    public func start() -> Session {
        Session(GuestRun(self, isDialogue: true))
    }
}
