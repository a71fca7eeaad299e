import Glibc

/// Where comparisons' figures go: the files that the user names, and standard output. All are tried before anything runs.
struct ComparisonOutputs {
    private let json: OutputFile?
    /// One for each comparison, in their order.
    private let charts: [OutputFile]

    /// - Parameters:
    ///   - charts: the path of each comparison's chart, or none.
    ///   - guests: files that must not be replaced.
    init(json: String?, charts: [String], guests: [String]) throws {
        if let json, let same = charts.first(where: { json == $0 || OutputFile.areSame(json, $0) }) {
            throw Failure(status: .usage, message: "--json \(json) and --svg \(same) are one file; name two")
        }
        let mode = fcntl(STDOUT_FILENO, F_GETFL)
        guard mode >= 0, mode & O_ACCMODE != O_RDONLY else { throw Self.lost }
        self.json = try json.map {
            try OutputFile(
                path: $0, option: "--json", content: "figures", guests: guests, remedy: "name another file with --json")
        }
        self.charts = try charts.map {
            try OutputFile(
                path: $0, option: "--svg", content: "chart", guests: guests, remedy: "name another file with --svg")
        }
    }

    /// Writes the files, and then the text: they are kept even where nobody reads it.
    func write(_ report: some Encodable, charts: [String], text: String) throws {
        try json?.write(json: report)
        for (file, chart) in zip(self.charts, charts) { try file.write(Array(chart.utf8)) }
        guard StandardStreams.answer(text) else { throw Self.lost }
    }

    private static var lost: Failure {
        Failure(status: .outputFailed, message: "cannot write to standard output")
    }
}
