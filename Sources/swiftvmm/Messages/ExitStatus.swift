import LinuxHost
import SystemPackage
import VMM

/// The statuses that swiftvmm ends with; a guest that uses an exit port chooses its own instead. The report tells a guest's
/// 64 from this one. The numbers up to 78 are those of `sysexits.h`.
struct ExitStatus: RawRepresentable, Equatable, Encodable, Sendable {
    let rawValue: Int32

    static let success = ExitStatus(rawValue: 0)
    static let usage = ExitStatus(rawValue: 64)
    static let badImage = ExitStatus(rawValue: 66)
    static let noKVM = ExitStatus(rawValue: 69)
    static let fault = ExitStatus(rawValue: 70)
    static let outputFailed = ExitStatus(rawValue: 74)
    static let deadline = ExitStatus(rawValue: 124)
    static let guestFailed = ExitStatus(rawValue: 125)

    init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    init(_ reason: StopReason) {
        switch reason {
        case .halted, .sleeping, .reset, .poweredOff: self = .success
        case .exited(let status): self.init(rawValue: Int32(status))
        case .panicked, .exception, .tripleFault, .guestError: self = .guestFailed
        case .deadline: self = .deadline
        // As a shell tells of a program that a signal ended.
        case .signal(let number): self.init(rawValue: 128 + number)
        case .stopped: self.init(rawValue: 130)
        }
    }

    init(_ error: VMMError) {
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

/// Why swiftvmm ends without a guest's leave: what is said last, and the status.
struct Failure: Error {
    let status: ExitStatus
    let message: String

    init(status: ExitStatus, message: String) {
        self.status = status
        self.message = message
    }

    /// A signal that asked for the end.
    init(signal: Int32) {
        let summary = StopSummary(.signal(signal), unwritten: 0)
        self.init(status: summary.status, message: summary.message)
    }

    /// A call that may have waited for a program to read from a pipe, or to listen.
    ///
    /// - Parameter otherwise: for an error of the system.
    init(_ failure: PatientCall.Failure, waitingFor path: String, otherwise: (Errno) -> Failure) {
        switch failure {
        case .failed(let error): self = otherwise(error)
        case .deadline:
            self.init(
                status: .deadline, message: "the deadline passed before the guest began: no program has opened \(path)")
        case .signal(let signal): self.init(signal: signal)
        }
    }
}

extension VMMError {
    /// The library's words, with the options that do what they advise.
    var words: String {
        description
            .replacing("leave the initrd out", with: "leave --initrd out")
            .replacing("give the machine more memory", with: "give more with --memory")
            .replacing(
                "give a guest, and for code of another mode that mode, or insist that it is a flat image",
                with: "give a guest; code for another mode with --mode, or insist with --format flat"
            )
            .replacing(
                "leave the load address and the entry out, or take it as a flat image",
                with: "leave --load and --entry out, or take it as it is with --format flat"
            )
            .replacing(
                "leave the mode out, or take it as a flat image",
                with: "leave --mode out, or take it as it is with --format flat")
    }
}
