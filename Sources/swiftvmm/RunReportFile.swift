import VMM

/// The content of `--report`.
struct RunReportFile: Encodable {
    let image: String
    let stop: StopSummary
    /// Nil, and left out, where no machine could be made.
    let run: RunReport?
}
