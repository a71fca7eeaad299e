import LinuxHost
import SystemPackage
import VMM

/// Why swiftvmm ends without a guest's leave: what is said last, and the status.
struct Failure: Error {
    let status: ExitStatus
    let message: String

    init(status: ExitStatus, message: String) {
        self.status = status
        self.message = message
    }

    /// How many of the faults of one file are told.
    private static let faultLimit = 20

    /// Wrong use in several ways. All but the last are said here.
    ///
    /// - Parameters:
    ///   - faults: a line for each, one at least; of very many only the first are told.
    ///   - path: what has them.
    init(_ faults: [String], of path: String) {
        var lines = Array(faults.prefix(Self.faultLimit))
        if faults.count > lines.count { lines.append("\(path): and \(faults.count - lines.count) more") }
        for line in lines.dropLast() { StandardStreams.say(line) }
        self.init(status: .usage, message: lines.last ?? path)
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
