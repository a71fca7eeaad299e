import Glibc
import LinuxHost
import SystemPackage
import VMM

/// A console's end on this side, open for one run.
struct ConsoleLine {
    /// Nil where all consoles write to one place.
    let output: ConsoleOutput?
    let input: ConsoleInput?
    /// Whether the input is the terminal's keys, which ``Terminal`` reads.
    let isTerminal: Bool
    private let pseudoTerminal: PseudoTerminal?
    private let file: GrowingFile?
    private let label: ConsoleLabel

    /// - Parameters:
    ///   - label: whose end it is.
    ///   - hasStandardInput: whether standard input is its, where it is connected to the standard streams.
    ///   - image: a file that the output must not replace.
    ///   - deadline: until when the program at the other end is waited for.
    init(
        _ backend: ConsoleEnd, of label: ConsoleLabel, hasStandardInput: Bool = false, image: String,
        until deadline: Deadline
    ) throws(Failure) {
        var (output, input): (ConsoleOutput?, ConsoleInput?)
        var pseudoTerminal: PseudoTerminal?
        var file: GrowingFile?
        var isTerminal = false
        switch backend {
        case .stdio where !hasStandardInput: break
        case .stdio:
            isTerminal = isatty(STDIN_FILENO) == 1
            input = isTerminal ? ConsoleInput(queueOf: Terminal.keyLimit) : ConsoleInput(descriptor: STDIN_FILENO)
        case .null: output = .discarding()
        case .file(let path):
            let new = try Self.makeFile(path, label, image: image, until: deadline)
            (output, file) = (ConsoleOutput(descriptor: new.descriptor), new)
        case .pseudoTerminal:
            let terminal = try PseudoTerminal(for: label)
            StandardStreams.say("the \(label.name) is at \(terminal.path)")
            (output, input, pseudoTerminal) = (terminal.output, terminal.input, terminal)
        case .socket(let path):
            let socket = try Self.connect(label, to: path, until: deadline)
            (output, input) = (ConsoleOutput(descriptor: socket), ConsoleInput(descriptor: socket))
        }
        self.output = output
        self.input = input
        self.isTerminal = isTerminal
        self.pseudoTerminal = pseudoTerminal
        self.file = file
        self.label = label
    }

    /// The same as far as a machine's plan depends on it, with nothing behind it.
    fileprivate init(unopened end: ConsoleEnd, of label: ConsoleLabel, hasStandardInput: Bool) {
        let hasInput =
            switch end {
            case .stdio: hasStandardInput
            case .pseudoTerminal, .socket: true
            case .null, .file: false
            }
        output = nil
        input = hasInput ? ConsoleInput(queueOf: 0) : nil
        isTerminal = false
        pseudoTerminal = nil
        file = nil
        self.label = label
    }

    /// The guest begins: what a file held is gone.
    func begin() throws(Failure) {
        guard let file else { return }
        do throws(Errno) { try file.begin() } catch { throw Self.failure(file.path, label, error) }
    }

    /// The run is over. Files and sockets are closed with the process.
    ///
    /// - Parameter deadline: until when a reader may take the rest.
    func close(by deadline: ContinuousClock.Instant) {
        pseudoTerminal?.close(by: deadline)
        file?.end()
    }

    private static func makeFile(
        _ path: String, _ label: ConsoleLabel, image: String, until deadline: Deadline
    ) throws(Failure) -> GrowingFile {
        guard !OutputFile.areSame(path, image) else {
            throw Failure(
                status: .usage, message: "\(label.option)file:\(path) would replace the guest; name another file")
        }
        do throws(PatientCall.Failure) { return try GrowingFile(path, until: deadline) } catch {
            throw Failure(error, waitingFor: path) { failure(path, label, $0) }
        }
    }

    private static func failure(_ path: String, _ label: ConsoleLabel, _ error: Errno) -> Failure {
        Failure(
            status: .outputFailed, message: "cannot write the \(label.name)'s output to \(path): \(error)")
    }

    private static func connect(
        _ label: ConsoleLabel, to path: String, until deadline: Deadline
    ) throws(Failure) -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        do throws(PatientCall.Failure) {
            guard descriptor >= 0 else { throw .failed(.current) }
            // It waits where others wait for a program that takes nobody.
            _ = try PatientCall.run(until: deadline) { connect(descriptor, to: path) }
            return descriptor
        } catch {
            if descriptor >= 0 { _ = Glibc.close(descriptor) }
            throw Failure(error, waitingFor: path) { error in
                let isListening = error.rawValue != ENOENT && error.rawValue != ECONNREFUSED
                let remedy =
                    isListening
                    ? "" : "; first start a program that listens there, as socat -,rawer UNIX-LISTEN:\(path)"
                return Failure(
                    status: .outputFailed,
                    message: "cannot connect the \(label.name) to the socket \(path): \(error)\(remedy)")
            }
        }
    }

    /// As connect(2).
    private static func connect(_ descriptor: Int32, to path: String) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count <= ConsoleEnd.longestSocketPath else {
            errno = ENAMETOOLONG
            return -1
        }
        // SAFETY: the path fits, and its end is marked by the zeros that the structure has.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        // SAFETY: the structure is larger than its beginning, which is what the call takes, and its size is told.
        return unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe Glibc.connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// The ends of all consoles of a machine, open for one run.
struct ConsoleLines {
    /// How long the end of the run waits for readers to take the rest, of all together.
    private static let lastPatience = Duration.milliseconds(200)

    let serial: ConsoleLine
    /// Nil where the machine has no second serial port.
    let serial2: ConsoleLine?
    /// Nil where the machine has no virtio-console.
    let virtio: ConsoleLine?
    /// In the order of the virtio-console's ports.
    let ports: [ConsoleLine]
    /// Standard input of a keyboard beside a serial port that is connected elsewhere; nil where there is none.
    let keyboard: ConsoleLine?

    /// - Parameters:
    ///   - ports: of the virtio-console, beside the console itself.
    ///   - standardInput: which console gets it, if that is connected to the standard streams.
    ///   - hasKeyboard: whether it is the keyboard's instead.
    ///   - deadline: until when the programs at the other ends are waited for.
    init(
        serial: ConsoleEnd, serial2: ConsoleEnd?, virtio: ConsoleEnd?, ports: [VirtioPort],
        standardInput: ConsoleDevice?, hasKeyboard: Bool, image: String, until deadline: Deadline
    ) throws(Failure) {
        var open: [ConsoleLine] = []
        func add(_ end: ConsoleEnd, _ label: ConsoleLabel, hasInput: Bool = false) throws(Failure) -> ConsoleLine {
            let line = try ConsoleLine(
                end, of: label, hasStandardInput: hasInput, image: image, until: deadline)
            open.append(line)
            return line
        }
        do throws(Failure) {
            self.serial = try add(serial, ConsoleDevice.uart.label, hasInput: standardInput == .uart)
            if let serial2 {
                self.serial2 = try add(serial2, ConsoleDevice.uart2.label, hasInput: standardInput == .uart2)
            } else {
                self.serial2 = nil
            }
            if let virtio {
                self.virtio = try add(virtio, ConsoleDevice.virtio.label, hasInput: standardInput == .virtio)
            } else {
                self.virtio = nil
            }
            let first = open.count
            for port in ports { _ = try add(port.end, port.label) }
            self.ports = Array(open[first...])
            let label = ConsoleLabel(name: "keyboard", option: "--\(ScreenOption.name) ")
            keyboard = hasKeyboard ? try add(.stdio, label, hasInput: true) : nil
        } catch {
            Self.close(open)
            throw error
        }
    }

    /// Those of a machine that is planned and not made: nothing that they name is opened.
    init(unopenedFor options: RunOptions) {
        func line(_ end: ConsoleEnd, _ device: ConsoleDevice) -> ConsoleLine {
            ConsoleLine(unopened: end, of: device.label, hasStandardInput: device == options.console)
        }
        serial = line(.stdio, .uart)
        serial2 = options.serial2End.map { line($0, .uart2) }
        virtio = options.virtioEnd.map { line($0, .virtio) }
        ports = options.ports.map { ConsoleLine(unopened: $0.end, of: $0.label, hasStandardInput: false) }
        keyboard = nil
    }

    /// What gets the terminal's keys, where one does.
    var terminalInput: ConsoleInput? {
        let line = [serial, serial2, virtio, keyboard].first { $0?.isTerminal == true }
        return line??.input
    }

    private var all: [ConsoleLine] { [serial] + [serial2, virtio, keyboard].compactMap(\.self) + ports }

    /// The guest begins.
    func begin() throws(Failure) {
        for line in all { try line.begin() }
    }

    /// The run is over.
    func close() {
        Self.close(all)
    }

    private static func close(_ lines: [ConsoleLine]) {
        let deadline = ContinuousClock.now + lastPatience
        for line in lines { line.close(by: deadline) }
    }
}
