import ArgumentParser
import Glibc

/// What every comparison can be told.
struct ComparisonOptions: ParsableArguments {
    /// For those that measure what isolation costs.
    static let statuses = """
        Status: 0 when all that this machine permits was measured; 64 bad usage; 66 there is no guest; 69 no usable KVM; 70 a \
        subject failed or printed something else; 74 a file or standard output cannot be written; 129, 130 and 143 ended by \
        SIGHUP, SIGINT and SIGTERM.
        """

    @Flag(help: "Measures less, and fewer times, within twenty seconds for each comparison.")
    var quick = false

    @Option(
        help: ArgumentHelp("Writes every figure to this file, as JSON.", valueName: "file"), completion: .file())
    var json: String?

    @Option(help: ArgumentHelp("Draws a chart to this file, as SVG.", valueName: "file"), completion: .file())
    var svg: String?

    /// Runs one comparison, and tells what it found.
    func run(_ comparison: some Comparison) throws {
        let host = try beginning()
        let outputs = try ComparisonOutputs(json: json, charts: svg.map { [$0] } ?? [], guests: comparison.files)
        let result = try comparison.run(on: host, isQuick: quick)
        EndSignals.release()
        try outputs.write(result, charts: [result.chart], text: result.text)
    }

    /// Runs several, one after the other, and tells of each once all are done, or of those before one that failed.
    func run(_ comparisons: [any Comparison]) throws {
        let host = try beginning()
        let names = comparisons.map { type(of: $0).name }
        let outputs = try ComparisonOutputs(
            json: json, charts: svg.map { path in names.map { Self.chartPath(path, $0) } } ?? [],
            guests: comparisons.flatMap(\.files))
        var results: [ComparisonResult] = []
        do {
            for comparison in comparisons { results.append(try comparison.run(on: host, isQuick: quick)) }
        } catch {
            EndSignals.release()
            // What it took minutes to measure is not lost with the rest. That it failed is the more important of two failures.
            if !results.isEmpty { try? outputs.write(names, results, host) }
            throw error
        }
        EndSignals.release()
        try outputs.write(names, results, host)
    }

    /// Such as `charts-console.svg` for `charts.svg`.
    static func chartPath(_ path: String, _ name: String) -> String {
        path.hasSuffix(".svg") ? "\(path.dropLast(4))-\(name).svg" : "\(path)-\(name)"
    }

    private func beginning() throws(Failure) -> ComparedHost {
        // Takes a tenth of a second, in which a signal still ends the process as it ends any.
        let host = try ComparedHost()
        // Ignored, as a parent may have left it, no child could be waited for.
        signal(SIGCHLD, SIG_DFL)
        try EndSignals.catch()
        return host
    }
}
