import CFuzzer
import FuzzInput
import LinuxHost

@testable import VMM

/// A file from a stranger that begins as gzip's do: it is unpacked within the limit or refused in words, and the same whatever is read at
/// once.
@main
enum FuzzGzip {
    static func main() {
        // SAFETY: the arguments are the process's own; the target takes what libFuzzer lends it for the call.
        _ = unsafe cfuzzer_run(CommandLine.argc, CommandLine.unsafeArgv) { data, count in
            let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
            FuzzGzip.unpack(bytes)
            return 0
        }
    }

    private static func unpack(_ bytes: [UInt8]) {
        var input = Input(bytes)
        let limit = input.take(2)
        let piece = 1 + Int(input.take(1))
        let file = Gzip.magic + bytes.dropFirst(3)
        let (whole, parts) = (outcome(file, limit, file.count), outcome(file, limit, piece))
        // What is too much may be found out before what is broken, or behind it.
        if case .failure(.overLimit) = parts { return }
        if case .failure(.overLimit) = whole { return }
        precondition(whole == parts)
    }

    private struct Unpacked: Equatable {
        let content: [UInt8]
        let ignored: UInt64
    }

    private static func outcome(_ file: [UInt8], _ limit: UInt64, _ piece: Int) -> Result<Unpacked, ImageError> {
        do throws(ImageError) {
            let found = try Gzip.unpack(
                try ImageReader(.bytes(file)), ImageLimits(memorySize: limit), piece: piece)
            precondition(found.size <= limit && found.ignored < UInt64(file.count))
            let content = unsafe Array(found.memory.bytes.prefix(Int(found.size)))
            return .success(Unpacked(content: content, ignored: found.ignored))
        } catch {
            precondition(!error.description.isEmpty)
            return .failure(error)
        }
    }
}
