import SystemPackage

/// The status that a program ends with which runs one guest, as `swiftvmm run` does. The numbers up to 78 are those of `sysexits.h`; a
/// guest that uses an exit port chooses its own.
public struct ExitStatus: RawRepresentable, Equatable, Encodable, Sendable {
    public let rawValue: Int32

    public static let success = ExitStatus(rawValue: 0)
    /// What was asked for cannot be had.
    public static let usage = ExitStatus(rawValue: 64)
    public static let badImage = ExitStatus(rawValue: 66)
    public static let noKVM = ExitStatus(rawValue: 69)
    /// Of the host, or of this library.
    public static let fault = ExitStatus(rawValue: 70)
    public static let outputFailed = ExitStatus(rawValue: 74)
    public static let deadline = ExitStatus(rawValue: 124)
    public static let guestFailed = ExitStatus(rawValue: 125)

    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    public init(_ reason: StopReason) {
        switch reason {
        case .halted, .sleeping, .reset, .poweredOff: self = .success
        case .exited(let status): self.init(rawValue: Int32(status))
        case .panicked, .exception, .tripleFault, .guestError: self = .guestFailed
        case .deadline: self = .deadline
        // As a shell tells of a program that a signal ended.
        case .signal(let number): self.init(rawValue: 128 &+ number)
        case .stopped: self.init(rawValue: 130)
        }
    }

    public init(_ error: VMMError) {
        switch error {
        case .configuration: self = .usage
        case .image(_, .deadline), .module(_, .deadline): self = .deadline
        case .image, .module: self = .badImage
        case .kvm where error.meansNoKVM: self = .noKVM
        case .kvm, .host, .state, .fault: self = .fault
        case .output: self = .outputFailed
        }
    }
}

extension StopReason {
    /// What a program may end with after this.
    public var exitStatus: ExitStatus { ExitStatus(self) }

    /// What can be done about it, in words; nil where nothing is known, or all is well. It stands at the end of ``description``, too.
    public var remedy: String? { VMM.remedy(in: description) }

    /// Whether the guest chose to end here.
    public var isGuestsWill: Bool {
        switch self {
        case .halted, .sleeping, .exited, .reset, .poweredOff: true
        case .panicked, .exception, .tripleFault, .guestError, .deadline, .signal, .stopped: false
        }
    }
}

extension VMMError {
    /// What a program may end with after this.
    public var exitStatus: ExitStatus { ExitStatus(self) }

    /// What can be done about it, in words; nil where nothing is known. It stands at the end of ``description``, too.
    public var remedy: String? {
        // Behind the semicolon stands only whose doing it is.
        if case .output(.brokenPipe) = self { return nil }
        return VMM.remedy(in: description)
    }
}

/// All texts of this library have the remedy behind their last semicolon.
private func remedy(in text: String) -> String? {
    guard let end = text.utf8.lastIndex(of: UInt8(ascii: ";")) else { return nil }
    let words = text[end...].dropFirst(2)
    return words.isEmpty ? nil : String(words)
}
