import VMM

/// Why swiftvmm ends without a guest's leave: what is said last, and the status.
struct Failure: Error {
    let status: ExitStatus
    let message: String

    init(status: ExitStatus, message: String) {
        self.status = status
        self.message = message
    }

    /// A signal that asked for the end.
    init(signal: Int32) {
        let summary = StopSummary(.signal(signal), unwritten: 0)
        self.init(status: summary.status, message: summary.message)
    }
}
