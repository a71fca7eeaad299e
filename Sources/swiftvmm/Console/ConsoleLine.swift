import Glibc
import KVM
import VMM

/// A console's end on this side, open for one run.
struct ConsoleLine {
    /// Nil where all consoles write to one place.
    let output: ConsoleOutput?
    let input: ConsoleInput?
    /// Whether the input is the terminal's keys, which ``Terminal`` reads.
    let isTerminal: Bool
    private let pseudoTerminal: PseudoTerminal?

    /// - Parameters:
    ///   - label: whose end it is.
    ///   - hasStandardInput: whether standard input is its, where it is connected to the standard streams.
    ///   - image: a file that the output must not replace.
    init(
        _ backEnd: ConsoleBackEnd, of label: ConsoleLabel, hasStandardInput: Bool = false, image: String
    ) throws(Failure) {
        var (output, input): (ConsoleOutput?, ConsoleInput?)
        var pseudoTerminal: PseudoTerminal?
        var isTerminal = false
        switch backEnd {
        case .stdio where !hasStandardInput: break
        case .stdio:
            isTerminal = isatty(STDIN_FILENO) == 1
            input = isTerminal ? ConsoleInput(queueOf: Terminal.keyLimit) : ConsoleInput(descriptor: STDIN_FILENO)
        case .null: output = .discarding()
        case .file(let path): output = ConsoleOutput(descriptor: try Self.makeFile(path, label, image: image))
        case .pseudoTerminal:
            let terminal = try PseudoTerminal(for: label)
            StandardStreams.say("the \(label.name) is at \(terminal.path)")
            (output, input, pseudoTerminal) = (terminal.output, terminal.input, terminal)
        case .socket(let path):
            let socket = try Self.connect(label, to: path)
            (output, input) = (ConsoleOutput(descriptor: socket), ConsoleInput(descriptor: socket))
        }
        self.output = output
        self.input = input
        self.isTerminal = isTerminal
        self.pseudoTerminal = pseudoTerminal
    }

    /// The run is over. Files and sockets are closed with the process.
    ///
    /// - Parameter deadline: until when a reader may take the rest.
    func close(by deadline: ContinuousClock.Instant) {
        pseudoTerminal?.close(by: deadline)
    }

    private static func makeFile(_ path: String, _ label: ConsoleLabel, image: String) throws(Failure) -> Int32 {
        guard !OutputFile.areSame(path, image) else {
            throw Failure(
                status: .usage, message: "\(label.option)file:\(path) would replace the guest; name another file")
        }
        // SAFETY: the path is a C string for the length of the call.
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0o666)
        guard descriptor >= 0 else {
            throw Failure(
                status: .outputFailed,
                message: "cannot write the \(label.name)'s output to \(path): \(SystemError.current)")
        }
        return descriptor
    }

    private static func connect(_ label: ConsoleLabel, to path: String) throws(Failure) -> Int32 {
        do throws(SystemError) {
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { throw .current }
            try connect(descriptor, to: path)
            return descriptor
        } catch {
            let isListening = error.code != ENOENT && error.code != ECONNREFUSED
            let remedy =
                isListening ? "" : "; first start a program that listens there, as socat -,rawer UNIX-LISTEN:\(path)"
            throw Failure(
                status: .outputFailed,
                message: "cannot connect the \(label.name) to the socket \(path): \(error)\(remedy)")
        }
    }

    private static func connect(_ descriptor: Int32, to path: String) throws(SystemError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count <= ConsoleBackEnd.longestSocketPath else { throw SystemError(code: ENAMETOOLONG) }
        // SAFETY: the path fits, and its end is marked by the zeros that the structure has.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        // SAFETY: the structure is larger than its beginning, which is what the call takes, and its size is told.
        let result = unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe Glibc.connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw .current }
    }
}
