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
    func arguments(bytes: UInt64, guest: String, report: String, timeLimit: Int) -> [String] {
        guard let word = technique.guestWord else {
            return [
                CompareCommand.name, WritePayloadCommand.name, "--bytes", "\(bytes)", "--buffer",
                "\(buffer)",
            ]
        }
        return [
            RunOptions.command, guest, "--cmdline", "technique=\(word) bytes=\(bytes) buffer=\(buffer)", "--timeout",
            "\(timeLimit)", "--report", report,
        ] + technique.options
    }
}
