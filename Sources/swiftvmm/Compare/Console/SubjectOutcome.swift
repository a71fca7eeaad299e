import VMM

/// What came of a subject's run, to be judged.
struct SubjectOutcome {
    let subject: ConsoleSubject
    /// How many bytes were asked for.
    let byteCount: UInt64
    let status: Int32
    /// What the process said on standard error.
    let errors: String
    let check: PayloadCheck

    /// - Throws: in words, what is wrong with it.
    func verify() throws(Failure) {
        // Where no machine can be had here, or not with this guest, that is the reason.
        for own in [ExitStatus.noKVM, .badImage] where status == own.rawValue {
            throw Failure(status: own, message: "\(subject.name) failed: \(lastWords)")
        }
        if let fault = check.fault, fault.position < byteCount {
            throw Failure(
                status: .fault,
                message:
                    "\(subject.name): byte \(fault.position) of its output is \(hex(fault.found.first ?? 0)), not \(hex(fault.expected))\(strayText)"
            )
        }
        guard check.byteCount <= byteCount else {
            throw Failure(status: .fault, message: "\(subject.name): its output has more than \(byteCount) bytes")
        }
        guard status == 0 else {
            throw Failure(status: .fault, message: "\(subject.name) failed: \(lastWords)")
        }
        guard check.byteCount == byteCount else {
            throw Failure(
                status: .fault,
                message: "\(subject.name): \(check.byteCount) bytes of its output arrived, not \(byteCount)"
            )
        }
    }

    private var lastWords: String { LastWords(errors, status: status).text }

    /// What was printed instead of the payload, where it is text: a guest's complaint.
    private var strayText: String {
        let found = Array(check.fault?.found ?? []).prefix { $0 != 0x0A }
        guard found.count > 1, found.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return "" }
        return "; it printed \"\(String(decoding: found, as: UTF8.self))\""
    }

    private func hex(_ byte: UInt8) -> String { "0x" + String(byte, radix: 16) }
}
