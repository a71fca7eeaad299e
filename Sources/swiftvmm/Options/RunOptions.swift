import Glibc
import LinuxHost
import VMM

/// What `swiftvmm run` is asked to do. An option more is a property here, what the help tells in ``RunCommand`` or
/// ``MachineArguments``, and how it is read in ``RunWords``.
struct RunOptions: Equatable {
    /// The word that asks for it.
    static let command = "run"
    var image: String
    /// The file that describes the machine, whose words are beneath those of the command line.
    var config: String?
    /// What it says.
    var described: MachineDescription?
    var mode: CPUMode?
    var format: ImageFormat?
    var placement = FlatPlacement()
    /// In bytes; nil for what the image's format usually needs.
    var memory: UInt64?
    var initrds: [ModuleOption] = []
    var cpus = 1
    /// In seconds.
    var timeout: Double?
    /// In seconds, between the power button and the end; nil for no button.
    var grace: Double?
    /// Nil for any end that is not a failure by itself.
    var expectation: Expectation?
    /// Nil for 0 alone.
    var successStatus: UInt8?
    var irqchip = InterruptControllers.auto
    var coalescesSerialOutput = true
    var cmdline = ""
    /// Nil for the standard streams, if there is one.
    var serial: ConsoleEnd?
    var screen: ScreenOption?
    /// Which device standard input goes to; nil for a boot sector's keyboard, or else the first serial port.
    var console: ConsoleDevice?
    /// Nil for none, unless it is the one that standard input goes to.
    var virtioConsole: ConsoleEnd?
    /// Beside the console itself, which is there if any of these is.
    var virtioPorts: [VirtioPort] = []
    var serial2: ConsoleEnd?
    var disks: [DiskOption] = []
    var hasRNG = false
    var usesEventFDs = true
    var report: String?
    var trace: String?

    init(image: String) {
        self.image = image
    }

    /// - Parameter start: when the program began, a moment of the monotonic clock.
    func run(since start: Int64) throws {
        let deadline = Deadline(after: timeout.map { .seconds($0) }, since: start)
        // Before the first file is opened: from here on these signals end the run in good order.
        try EndSignals.catch()
        try checkMachine()
        try checkFiles()
        let guests = guestPaths
        let reportFile = try report.map {
            try OutputFile(path: $0, option: "--report", content: "report", guests: guests, until: deadline)
        }
        let traceFile = try trace.map {
            try OutputFile(path: $0, option: "--trace", content: "trace", guests: guests, grows: true, until: deadline)
        }
        let exitTrace = traceFile.map { ExitTrace(descriptor: $0.descriptor) }
        let outcome = boot(exitTrace, traceFile, until: deadline)
        let summary = outcome.summary.judged(by: expectation, success: successStatus)
        let report = RunReportFile(image: image, stop: summary, run: outcome.numbers, vcpus: outcome.states)
        try write(report, to: reportFile)
        if let detail = summary.detail { StandardStreams.detail(detail) }
        if let traceFile, let error = exitTrace?.failure {
            // How the run ended is not to be lost behind it.
            if summary.status != .success { StandardStreams.say(summary.message) }
            throw traceFile.failure(error)
        }
        if let lost = exitTrace?.unwrittenByteCount, lost > 0 {
            StandardStreams.say("\(lost) bytes of the trace were not taken by its reader")
        }
        if summary.isWorthSaying { StandardStreams.say(summary.message) }
        guard summary.status == .success else {
            throw Failure(status: summary.status, message: summary.message)
        }
    }

    /// The run is over: from now on signals end the program at once, but while it writes a file that a signal would leave beside the report.
    private func write(_ report: RunReportFile, to file: OutputFile?) throws {
        guard let file, file.isBeside else {
            EndSignals.release()
            try file?.write(report.json.bytes)
            return
        }
        defer { EndSignals.release() }
        try file.write(report.json.bytes)
    }

    /// Two outputs into one file would destroy each other.
    private func checkFiles() throws {
        var files: [(option: String, path: String, isWritten: Bool)] = []
        if let config { files.append(("--config \(config)", config, false)) }
        let consoles = [
            (ConsoleDevice.uart.label, serial), (ConsoleDevice.uart2.label, serial2),
            (ConsoleDevice.virtio.label, virtioConsole),
        ]
        for (label, end) in consoles + ports.map({ ($0.label, $0.end) }) {
            guard case .file(let path) = end else { continue }
            files.append(("\(label.option)file:\(path)", path, true))
            if let stream = StandardStreams.regularFile(at: path) {
                throw Failure(
                    status: .usage, message: "\(label.option)file:\(path) is where \(stream) goes; name another file")
            }
        }
        for (initrd, path) in zip(initrds, guestPaths.dropFirst()) { files.append((initrd.label, path, false)) }
        if let report { files.append(("--report \(report)", report, true)) }
        if let trace { files.append(("--trace \(trace)", trace, true)) }
        for disk in allDisks {
            if !disk.isReadOnly, OutputFile.areSame(disk.path, guestPaths[0]) {
                throw Failure(
                    status: .usage,
                    message:
                        "\(disk.label) is the guest itself, which it could overwrite; give a copy, or \(disk.readOnlyForm)"
                )
            }
            if let stream = StandardStreams.regularFile(at: disk.path) {
                throw Failure(
                    status: .usage, message: "\(disk.label) is where \(stream) goes; name another file")
            }
            files.append((disk.label, disk.path, !disk.isReadOnly))
        }
        for (index, file) in files.enumerated() {
            for other in files[(index + 1)...]
            where (file.isWritten || other.isWritten)
                && (file.path == other.path || OutputFile.areSame(file.path, other.path))
            {
                throw Failure(
                    status: .usage, message: "\(file.option) and \(other.option) are one file; name two")
            }
        }
    }

    /// What came of a run.
    private struct Outcome {
        let summary: StopSummary
        /// Nil where nobody wants them or no machine could be made.
        let numbers: RunReport?
        /// Each vCPU's, by its number, where the run did not end by the guest's own will.
        let states: [Int: CPUSnapshot]

        init(_ summary: StopSummary, _ numbers: RunReport? = nil, _ states: [Int: CPUSnapshot] = [:]) {
            (self.summary, self.numbers, self.states) = (summary, numbers, states)
        }
    }

    /// Makes the machine and runs it.
    ///
    /// - Parameter traceFile: where the trace is written.
    private func boot(_ trace: ExitTrace?, _ traceFile: OutputFile?, until deadline: Deadline) -> Outcome {
        let lines: ConsoleLines
        do throws(Failure) {
            lines = try ConsoleLines(
                serial: serialEnd, serial2: serial2End, virtio: virtioEnd, ports: ports,
                standardInput: consoleWithStandardInput, hasKeyboard: screenTakesInput, image: guestPaths[0],
                until: deadline)
        } catch {
            return Outcome(Self.signalSummary ?? StopSummary(error))
        }
        defer { lines.close() }
        do throws(Failure) {
            // Before the machine has any thread.
            let watch = virtioEnd == .stdio ? try WindowWatch() : nil
            return boot(with: lines, try screenConfiguration(), watch, trace, until: deadline) { () throws(Failure) in
                try lines.begin()
                try traceFile?.begin()
            }
        } catch {
            return Outcome(StopSummary(error))
        }
    }

    /// - Parameter beginFiles: called when the machine is made: nothing that a person could mend keeps the guest from running any more.
    private func boot(
        with lines: ConsoleLines, _ screen: ScreenConfiguration?, _ window: WindowWatch?, _ trace: ExitTrace?,
        until deadline: Deadline,
        beginFiles: () throws(Failure) -> Void
    ) -> Outcome {
        do throws(VMMError) {
            var configuration = configuration(with: lines, window: window?.window)
            configuration.trace = trace
            configuration.screen = screen
            configuration.deadline = deadline
            let control = MachineControl()
            configuration.control = control
            let terminal = lines.terminalInput.map { Terminal(descriptor: STDIN_FILENO, input: $0, control: control) }
            // However the run ends, and before anything is said about the end.
            defer { terminal?.restore() }
            var gracePeriod: GracePeriod?
            if let grace { gracePeriod = try GracePeriod(seconds: grace, of: control) }
            configuration.attachments = [terminal as (any MachineAttachment)?, window, gracePeriod].compactMap(\.self)
            let machine = try VirtualMachine(configuration)
            for note in notes(on: machine.plan) { StandardStreams.say(note) }
            let advice = HostAdvice.unpacking(machine.plan)
            if let advice { StandardStreams.say(advice) }
            do throws(Failure) { try beginFiles() } catch { return Outcome(StopSummary(error)) }
            let finished = machine.run()
            terminal?.restore()
            for device in finished.deviceReports { tellLoss(of: device) }
            return outcome(of: finished, advice)
        } catch {
            return Outcome(Self.signalSummary ?? StopSummary(failure(error)))
        }
    }

    /// - Parameter advice: what may be the matter with a guest that prints nothing.
    private func outcome(of finished: FinishedMachine, _ advice: String?) -> Outcome {
        let numbers = report == nil ? nil : finished.report
        do throws(VMMError) {
            let reason = try finished.reason
            let states = reason.isGuestsWill ? [:] : (try? finished.snapshots()) ?? [:]
            let isSilent = finished.deviceReports.allSatisfy { $0.consoleBytes ?? 0 == 0 }
            let why = isSilent ? HostAdvice.silence(of: finished, reason) ?? advice : nil
            let summary = StopSummary(
                reason, unwritten: finished.unwrittenByteCount, states: states, whySilent: screen == nil ? why : nil)
            return Outcome(summary, numbers, states)
        } catch {
            // With the terminal its output goes too, and the signal says why.
            return Outcome(Self.signalSummary ?? StopSummary(failure(error)), numbers)
        }
    }

    /// What failed without ending the run is worth a word: nobody else says what became of the output.
    private func tellLoss(of device: DeviceReport) {
        if let fault = device.fault { StandardStreams.say("the \(device.name) needs a reset by its driver: \(fault)") }
        if let bytes = hiddenBytes(of: device) {
            StandardStreams.say(
                "\(bytes) bytes that the guest printed by \(device.name) are lost: the terminal had its screen; --screen text shows both"
            )
        }
        for port in device.ports ?? [] {
            guard let failure = port.failure else { continue }
            StandardStreams.say(
                "the port \(port.name) was closed: \(failure); \(port.droppedBytes) bytes of its output were dropped")
        }
    }

    /// A signal also ends calls that are under way, and is what the user wants to hear of.
    private static var signalSummary: StopSummary? {
        StopSignals.caught.map { StopSummary(.signal($0), unwritten: 0) }
    }
}
