import ArgumentParser
import Glibc
import LinuxHost
import SystemPackage

/// What `compare console` measures the techniques against: a process that is no virtual machine writes the same bytes to the
/// same place. It is nothing that users call.
struct WritePayloadCommand: ParsableCommand {
    static let name = "write-payload"

    static let configuration = CommandConfiguration(
        commandName: name, abstract: "Writes the payload of compare console.", shouldDisplay: false)

    @Option var bytes: UInt64
    @Option var buffer: Int

    func validate() throws {
        guard (1...ConsolePayload.largestBuffer).contains(buffer) else {
            throw ValidationError("--buffer takes 1 to \(ConsolePayload.largestBuffer) bytes")
        }
    }

    func run() throws {
        let pattern = ConsolePayload.pattern(reach: buffer)
        var offset = 0
        var rest = bytes
        while rest > 0 {
            let length = Int(min(UInt64(buffer), rest))
            // SAFETY: the pattern is as long as its period and a buffer, and the offset is inside the first period.
            let count = unsafe pattern.withUnsafeBytes {
                unsafe write(STDOUT_FILENO, $0.baseAddress?.advanced(by: offset), length)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw Failure(
                    status: .outputFailed, message: "cannot write to standard output: \(Errno.current)")
            }
            rest -= UInt64(count)
            offset = (offset + count) % ConsolePayload.period
        }
    }
}
