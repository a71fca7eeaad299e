typealias ConsoleReport = ComparisonReport<ConsoleRow>

extension ConsoleReport {
    init(host: ComparedHost, isQuick: Bool, rows: [ConsoleRow]) {
        self.init(
            comparison: ConsoleMeasurement.name, host: host, isQuick: isQuick, rows: rows,
            findings: ConsoleFindings(rows).sentences)
    }
}
