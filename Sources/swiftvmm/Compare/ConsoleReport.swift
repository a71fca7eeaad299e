/// All that `compare console` found, as `--json` writes it.
struct ConsoleReport: Encodable {
    let comparison = "console"
    let version = RootCommand.version
    let host: ComparedHost
    let isQuick: Bool
    let rows: [ConsoleRow]
    /// In plain words.
    let findings: [String]

    init(host: ComparedHost, isQuick: Bool, rows: [ConsoleRow]) {
        self.host = host
        self.isQuick = isQuick
        self.rows = rows
        findings = ConsoleFindings(rows).sentences
    }
}
