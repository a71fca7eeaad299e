/// All that a comparison found, as `--json` writes it.
struct ComparisonReport<Row: Encodable>: Encodable {
    let comparison: String
    let version = RootCommand.version
    let host: ComparedHost
    let isQuick: Bool
    let rows: [Row]
    /// In plain words.
    let findings: [String]
}
