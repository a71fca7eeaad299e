import ArgumentParser
import Comparison
import Glibc
import VMM

/// What every comparison can be told.
struct ComparisonOptions: ParsableArguments {
    /// For those that measure what isolation costs.
    static let statuses = """
        Status: 0 when all that this machine permits was measured; 64 bad usage; 66 there is no guest; 69 no usable KVM; 70 a \
        subject failed or printed something else; 74 a file or standard output cannot be written; 129, 130 and 143 ended by \
        SIGHUP, SIGINT and SIGTERM.
        """

    @Flag(help: "Measures less, and fewer times: each comparison within twenty seconds, unless the machine is busy.")
    var quick = false

    @Option(
        help: ArgumentHelp("Writes every figure to this file, as JSON.", valueName: "file"), completion: .file())
    var json: String?

    @Option(help: ArgumentHelp("Draws a chart to this file, as SVG.", valueName: "file"), completion: .file())
    var svg: String?

    /// Runs one comparison, and tells what it found.
    func run(_ measurement: some Measurement) throws {
        let conditions = try beginning()
        let outputs = try ComparisonOutputs(json: json, charts: svg.map { [$0] } ?? [], guests: measurement.files)
        let result = try measurement.run(conditions)
        EndSignals.release()
        try outputs.write(result, charts: [result.chart], text: result.text)
    }

    /// Runs several, one after the other, and tells of each once all are done, or of those before one that failed.
    func run(_ measurements: [any Measurement]) throws {
        let conditions = try beginning()
        let names = measurements.map { type(of: $0).name }
        let outputs = try ComparisonOutputs(
            json: json, charts: svg.map { path in names.map { Self.chartPath(path, $0) } } ?? [],
            guests: measurements.flatMap(\.files))
        var results: [ComparisonResult] = []
        func write() throws {
            try outputs.write(
                Dictionary(uniqueKeysWithValues: zip(names, results)), charts: results.map(\.chart),
                text: ComparisonResult.text(results, names, on: conditions.host))
        }
        do {
            for measurement in measurements { results.append(try measurement.run(conditions)) }
        } catch {
            EndSignals.release()
            // What it took minutes to measure is not lost with the rest. That it failed is the more important of two failures.
            if !results.isEmpty { try? write() }
            throw error
        }
        EndSignals.release()
        try write()
    }

    /// Such as `charts-console.svg` for `charts.svg`.
    static func chartPath(_ path: String, _ name: String) -> String {
        path.hasSuffix(".svg") ? "\(path.dropLast(4))-\(name).svg" : "\(path)-\(name)"
    }

    private func beginning() throws(Failure) -> MeasurementConditions {
        // Takes a tenth of a second, in which a signal still ends the process as it ends any.
        let host = try ComparedHost()
        // Ignored, as a parent may have left it, no child could be waited for.
        signal(SIGCHLD, SIG_DFL)
        try EndSignals.catch()
        Abandoned.remove()
        return MeasurementConditions(version: RootCommand.version, host: host, isQuick: quick)
    }
}

extension ComparedHost {
    /// This one.
    ///
    /// - Throws: where no guest can run here.
    fileprivate init() throws(Failure) {
        let report: HostReport
        do throws(VMMError) {
            report = try HostTrials().report()
        } catch {
            throw Failure(status: error.exitStatus, message: error.description)
        }
        let kind: String
        switch report.backend {
        case .success(.vtx): kind = "VT-x"
        case .success(.amdV): kind = "AMD-V"
        case .success(.software): kind = "in software"
        case .success(.unknown): kind = "unknown"
        case .failure(let reason): throw Failure(status: .noKVM, message: "no guest can run here: \(reason)")
        }
        func nanoseconds(_ cost: HostReport.Outcome<HostReport.Cost>) -> Double? {
            if case .success(.nanoseconds(let time)) = cost { time } else { nil }
        }
        self.init(
            kvmModules: report.modules, kvmBackend: kind, isNested: report.isNested,
            ring0InstructionNanoseconds: nanoseconds(report.ring0Instruction),
            ring3InstructionNanoseconds: nanoseconds(report.ring3Instruction),
            portExitNanoseconds: nanoseconds(report.portExit))
    }
}

extension Failure {
    init(_ error: ComparisonError) {
        switch error {
        case .image(let message): self.init(status: .badImage, message: message)
        case .kvm(let message): self.init(status: .noKVM, message: message)
        case .fault(let message): self.init(status: .fault, message: message)
        case .output(let message): self.init(status: .outputFailed, message: message)
        case .signal(let number): self.init(signal: number)
        }
    }
}
