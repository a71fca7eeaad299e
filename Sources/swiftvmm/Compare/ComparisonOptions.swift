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

    /// Runs several, one after the other, and tells of each once all are done.
    func run(_ comparisons: [any Comparison]) throws {
        let host = try beginning()
        let names = comparisons.map { type(of: $0).name }
        let outputs = try ComparisonOutputs(
            json: json, charts: svg.map { path in names.map { Self.chartPath(path, $0) } } ?? [],
            guests: comparisons.flatMap(\.files))
        let results = try comparisons.map { try $0.run(on: host, isQuick: quick) }
        EndSignals.release()
        let texts = zip(names, results).map { name, result in
            Self.heading("compare \(name)") + result.text
        }
        try outputs.write(
            Dictionary(uniqueKeysWithValues: zip(names, results)), charts: results.map(\.chart),
            text: texts.joined(separator: "\n\n") + "\n\n" + Self.heading("in short")
                + Glance.table(results.flatMap(\.glances)) + "\n\n" + host.lines.joined(separator: "\n"))
    }

    private static func heading(_ text: String) -> String {
        "\(text)\n\(String(repeating: "═", count: text.count))\n\n"
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
