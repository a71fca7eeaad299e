import Glibc
import KVM
import VMM

/// What `swiftvmm run` is asked to do.
struct RunOptions {
    /// The word that asks for it.
    static let command = "run"
    static let standardMemory = MemorySize.standard

    var image: String
    var mode: CPUMode?
    var format: ImageFormat?
    var memory = standardMemory
    var cpus = 1
    /// In seconds.
    var timeout: Double?
    var irqchip = InterruptControllers.auto
    var coalescesSerialOutput = true
    var cmdline = ""
    var serial = SerialBackEnd.stdio
    var report: String?

    init(image: String) {
        self.image = image
    }

    /// The words `run IMAGE`, which need no parser: it takes two fifths of the time of a tiny guest from start to end. Nil for
    /// anything else.
    init?(words: [String]) {
        guard words.count == 2, words[0] == Self.command, !words[1].hasPrefix("-") else { return nil }
        self.init(image: words[1])
    }

    func run() throws {
        // Before the first file is opened: from here on these signals end the run in good order.
        try EndSignals.catch()
        if case .file(let path) = serial, let report, path == report || OutputFile.areSame(path, report) {
            throw Failure(
                status: .usage, message: "--serial file:\(path) and --report \(report) are one file; name two")
        }
        let reportFile = try report.map {
            try OutputFile(path: $0, option: "--report", content: "report", guest: image)
        }
        let (summary, numbers) = boot()
        EndSignals.release()
        try reportFile?.write(json: RunReportFile(image: image, stop: summary, run: numbers))
        if let detail = summary.detail { StandardStreams.detail(detail) }
        guard summary.status == .success else {
            throw Failure(status: summary.status, message: summary.message)
        }
    }

    /// Makes the machine and runs it. The numbers are nil where nobody wants them or no machine could be made.
    private func boot() -> (StopSummary, RunReport?) {
        let line: SerialLine
        do throws(Failure) {
            line = try SerialLine(serial, image: image)
        } catch {
            return (Self.signalSummary ?? StopSummary(error), nil)
        }
        defer { line.close() }
        return boot(with: line)
    }

    private func boot(with line: SerialLine) -> (StopSummary, RunReport?) {
        do throws(VMMError) {
            var machine = try VirtualMachine(configuration(with: line))
            let terminal = try Self.takeTerminal(line, machine.stopHandle)
            // Before anything is said about the end.
            defer { terminal?.restore() }
            do throws(VMMError) {
                let reason = try machine.run()
                let summary = StopSummary(reason, unwritten: machine.unwrittenByteCount)
                return (summary, report == nil ? nil : machine.report)
            } catch {
                // With the terminal its output goes too, and the signal says why.
                return (Self.signalSummary ?? StopSummary(error), report == nil ? nil : machine.report)
            }
        } catch {
            return (Self.signalSummary ?? StopSummary(error), nil)
        }
    }

    /// A signal also ends calls that are under way, and is what the user wants to hear of.
    private static var signalSummary: StopSummary? {
        StopSignals.caught.map { StopSummary(.signal($0), unwritten: 0) }
    }

    private static func takeTerminal(_ line: SerialLine, _ stop: StopHandle) throws(VMMError) -> Terminal? {
        guard line.isTerminal, let input = line.input else { return nil }
        do throws(KVMError) {
            return try Terminal(descriptor: STDIN_FILENO, input: input, stop: stop)
        } catch {
            throw .kvm(error)
        }
    }

    private func configuration(with line: SerialLine) -> MachineConfiguration {
        var configuration = MachineConfiguration(
            image: .file(image), output: ConsoleOutput(descriptor: STDOUT_FILENO))
        configuration.format = format
        configuration.mode = mode
        configuration.memorySize = memory.bytes
        configuration.vcpuCount = cpus
        configuration.interruptControllers = irqchip
        configuration.coalescesSerialOutput = coalescesSerialOutput
        configuration.measuresExits = report != nil
        configuration.commandLine = cmdline
        configuration.timeout = timeout.map { .seconds($0) }
        configuration.input = line.input
        configuration.serialOutput = line.output
        return configuration
    }
}
