import Glibc
import Subprocess
import Testing

/// A talk with a process that runs: its input, its output as it comes, signals.
struct Session {
    typealias Process = Execution<CustomWriteInput, SequenceOutput, BytesOutput>

    private let process: Process
    private var iterator: SubprocessOutputSequence.Iterator
    /// All output so far.
    private(set) var received: [UInt8] = []

    init(_ process: Process) {
        self.process = process
        iterator = process.standardOutput.makeAsyncIterator()
    }

    var id: Int32 { process.processIdentifier.value }

    /// What the system tells about the process.
    var state: ProcessState { ProcessState(id) }

    /// Gives the process input.
    func type(_ text: String) async throws {
        _ = try await process.standardInputWriter.write(text)
    }

    func send(_ bytes: [UInt8]) async throws {
        _ = try await process.standardInputWriter.write(bytes)
    }

    func send(_ signal: Int32) throws {
        try process.send(signal: Signal(rawValue: signal))
    }

    /// Waits for output until there are so many bytes of it in all.
    mutating func read(until count: Int) async throws {
        while received.count < count, try await readMore() {}
        try #require(received.count >= count, "the output ended after \(received.count) bytes")
    }

    /// Waits for all output.
    mutating func readToEnd() async throws {
        while try await readMore() {}
    }

    private mutating func readMore() async throws -> Bool {
        guard let buffer = try await iterator.next() else { return false }
        let bytes = buffer.bytes
        for offset in 0..<bytes.byteCount {
            received.append(unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
        }
        return true
    }
}
