/// One row of the comparison: a technique, with a size of buffers.
struct ConsoleSubject: Hashable {
    let technique: ConsoleTechnique
    /// Bytes per request.
    let buffer: Int

    var name: String {
        technique.hasBuffers ? "\(technique.name), \(bufferName)" : technique.name
    }

    var bufferName: String { buffer < 1024 ? "\(buffer) B" : "\(buffer >> 10) KiB" }

    /// The fewest bytes that still say something: more than the pipe holds where buffers are large, few enough for a slow host.
    var leastByteCount: UInt64 {
        switch technique {
        case _ where technique.hasBuffers: UInt64(max(buffer, 1024) * 64)
        // Its first 64 bytes are exits, whatever comes then.
        case .blindCoalesced, .outsbCoalesced: 4096
        default: 512
        }
    }

    /// The arguments of swiftvmm that print so many bytes.
    ///
    /// - Parameters:
    ///   - report: the file that `run` reports to.
    ///   - timeLimit: in seconds.
    func arguments(bytes: UInt64, guest: String, report: String, timeLimit: Double) -> [String] {
        guard let word = technique.guestWord else {
            return [
                SwiftvmmCommand.compare, SwiftvmmCommand.writePayload, "--bytes", "\(bytes)", "--buffer",
                "\(buffer)",
            ]
        }
        return [
            SwiftvmmCommand.run, guest, "--cmdline", "technique=\(word) bytes=\(bytes) buffer=\(buffer)", "--timeout",
            "\(timeLimit)", "--report", report,
        ] + technique.options
    }
}

/// A way in which bytes get from a program to the outside.
enum ConsoleTechnique: String, CaseIterable, Encodable {
    case plainProcess = "plain"
    case virtio = "virtio"
    case virtioExits = "virtio-exits"
    case hypercall = "hypercall"
    case debugConsole = "debug"
    case outsbCoalesced = "uart-outsb-coalesced"
    case outsb = "uart-outsb"
    case blindCoalesced = "uart-blind-coalesced"
    case blind = "uart-blind"
    case polledCoalesced = "uart-polled-coalesced"
    case polled = "uart-polled"
    case interrupt = "uart-interrupt"

    /// What kind of virtualization it is.
    enum Kind: String, Encodable {
        case plain, paravirtual, emulated
    }

    var kind: Kind {
        switch self {
        case .plainProcess: .plain
        case .virtio, .virtioExits, .hypercall, .debugConsole: .paravirtual
        default: .emulated
        }
    }

    var name: String {
        switch self {
        case .plainProcess: "plain process, write"
        case .virtio: "virtio, ioeventfd"
        case .virtioExits: "virtio, doorbell exits"
        case .hypercall: "hypercall"
        case .debugConsole: "debug console"
        case .outsbCoalesced: "UART REP OUTSB, coalesced"
        case .outsb: "UART REP OUTSB, each an exit"
        case .blindCoalesced: "UART blind, coalesced"
        case .blind: "UART blind, each an exit"
        case .polledCoalesced: "UART polled, coalesced"
        case .polled: "UART polled, each an exit"
        case .interrupt: "UART by interrupt"
        }
    }

    /// Whether the program chooses how many bytes one request moves.
    var hasBuffers: Bool {
        switch self {
        case .plainProcess, .virtio, .virtioExits, .hypercall: true
        default: false
        }
    }

    /// The guest's word for it; nil where there is no guest.
    var guestWord: String? {
        switch self {
        case .plainProcess: nil
        case .virtio, .virtioExits: "virtio"
        case .hypercall: "hypercall"
        case .debugConsole: "debug"
        case .outsb, .outsbCoalesced: "uart-outsb"
        case .blind, .blindCoalesced: "uart-blind"
        case .polled, .polledCoalesced: "uart-polled"
        case .interrupt: "uart-interrupt"
        }
    }

    /// What `swiftvmm run` is told.
    var options: [String] {
        switch self {
        case .virtio: ["--console", "virtio"]
        case .virtioExits: ["--console", "virtio", "--no-eventfd"]
        case .outsb, .blind, .polled: ["--no-coalescing"]
        case .interrupt: ["--irqchip", "full"]
        default: []
        }
    }
}
