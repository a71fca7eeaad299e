import Glibc
import VMM

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

    /// Writes the files and the text: each is kept whatever becomes of the others.
    ///
    /// - Throws: what became of the first that failed.
    func write(_ report: some Encodable, charts: [String], text: String) throws {
        let writings: [() throws -> Void] =
            [{ try json?.write(json: report) }]
            + zip(self.charts, charts).map { file, chart in { try file.write(Array(chart.utf8)) } }
            + [{ guard StandardStreams.answer(text) else { throw Self.lost } }]
        let failures = writings.compactMap { writing in
            do {
                try writing()
                return nil as (any Error)?
            } catch {
                return error
            }
        }
        if let first = failures.first { throw first }
    }

    private static var lost: Failure {
        Failure(status: .outputFailed, message: "cannot write to standard output")
    }
}
