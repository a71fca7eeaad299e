import Glibc

/// Where a comparison's figures go: the files that the user names, and standard output. All are tried before anything runs.
struct ComparisonOutputs {
    private let json: OutputFile?
    private let svg: OutputFile?

    init(json: String?, svg: String?, guest: String) throws {
        if let json, let svg, json == svg || OutputFile.areSame(json, svg) {
            throw Failure(status: .usage, message: "--json \(json) and --svg \(svg) are one file; name two")
        }
        let mode = fcntl(STDOUT_FILENO, F_GETFL)
        guard mode >= 0, mode & O_ACCMODE != O_RDONLY else { throw Self.lost }
        self.json = try json.map {
            try OutputFile(
                path: $0, option: "--json", content: "figures", guest: guest, remedy: "name another file with --json")
        }
        self.svg = try svg.map {
            try OutputFile(
                path: $0, option: "--svg", content: "chart", guest: guest, remedy: "name another file with --svg")
        }
    }

    /// The files come first: they are kept even where nobody reads the table.
    func write(_ report: some Encodable, chart: String, text: String) throws {
        try json?.write(json: report)
        try svg?.write(Array(chart.utf8))
        guard StandardStreams.answer(text) else { throw Self.lost }
    }

    private static var lost: Failure {
        Failure(status: .outputFailed, message: "cannot write to standard output")
    }
}
