/// Bytes both ways between this program and one console of a guest: a serial port, a virtio-console, or one of its ports.
///
/// ```swift
/// let stream = GuestStream()
/// let configuration = MachineConfiguration(image: .file("kernel.elf"), stream: stream)
/// // … the machine runs on a thread of its own …
/// try await stream.wait(for: "login: ")
/// try await stream.send("root\n")
/// for await line in stream.lines { print(line) }
/// ```
///
/// Nothing is lost and nothing overtakes: where the reader is slow, the guest is held up, as by a pipe that is full. So somebody must
/// read: a guest that prints more than the bound to a stream that nobody reads stands still until the machine is stopped. What was
/// printed by then can be read afterwards, too, when the machine has gone.
///
/// A stream belongs to one machine. It is over for the reader when that machine's run has ended and all was taken, when the machine
/// could not be made, or when it goes without having run.
///
/// One task at a time reads, by whatever: each goes on where the last one stopped. Of two that read at once each byte goes to one, as
/// with two readers of a pipe. Bytes that one call sends stay together.
///
/// Concurrency model: safe from any thread. Who waits takes no thread, and never waits for a lock that a guest could hold.
public final class GuestStream: Sendable {
    /// How much of what comes before a text ``wait(for:)`` keeps, in bytes.
    static let keptLimit = 1 << 20

    /// For the console's configuration.
    public let output: ConsoleOutput
    /// For the console's configuration. An input belongs to one device.
    public let input: ConsoleInput
    let buffer: OutputBuffer
    let inputBound: Int

    /// - Parameters:
    ///   - outputBound: how many bytes wait for the reader before the guest is held up, 1 at least. Up to as many, but no more than
    ///     64 KiB, are held back before them.
    ///   - inputBound: how many bytes wait for the guest before `send` does, 1 at least.
    public init(outputBound: Int = 256 << 10, inputBound: Int = 64 << 10) {
        buffer = OutputBuffer(bound: outputBound)
        output = ConsoleOutput(.buffer(buffer))
        self.inputBound = max(1, inputBound)
        input = ConsoleInput(queueOf: self.inputBound)
    }

    // MARK: Output

    /// What the guest prints, as it comes: no chunk is empty, and none is larger than the bound, but for the last one. The sequence ends
    /// with the stream, and where the task is cancelled.
    public var chunks: Chunks { Chunks(stream: self) }

    /// What the guest prints, line by line without the ends (a line feed, or a carriage return and a line feed), with what is no UTF-8
    /// replaced. The last line needs no end. One that is longer than the bound comes in pieces. The sequence ends as ``chunks`` does.
    public var lines: Lines { Lines(stream: self) }

    nonisolated(nonsending) func read<T>(
        _ rule: (inout ByteQueue, OutputBuffer.Situation) -> T?
    ) async -> OutputBuffer.ReadResult<T> {
        await buffer.read(fetching: { output.fetch() }, rule)
    }

    /// ``GuestStream/chunks``
    public struct Chunks: AsyncSequence, Sendable {
        public typealias Element = [UInt8]
        public typealias Failure = Never

        let stream: GuestStream

        public func makeAsyncIterator() -> Iterator { Iterator(stream: stream) }

        public struct Iterator: AsyncIteratorProtocol {
            let stream: GuestStream

            public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async -> [UInt8]? {
                let result = await stream.read { bytes, _ in bytes.isEmpty ? nil : bytes.takeAll() }
                if case .value(let chunk) = result { return chunk }
                return nil
            }
        }
    }

    /// ``GuestStream/lines``
    public struct Lines: AsyncSequence, Sendable {
        public typealias Element = String
        public typealias Failure = Never

        let stream: GuestStream

        public func makeAsyncIterator() -> Iterator { Iterator(stream: stream) }

        public struct Iterator: AsyncIteratorProtocol {
            let stream: GuestStream
            /// Up to where there is no line feed.
            private var place: UInt64 = 0

            init(stream: GuestStream) { self.stream = stream }

            public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async -> String? {
                var place = place
                let result = await stream.read { bytes, situation in Self.line(&bytes, situation, from: &place) }
                self.place = place
                if case .value(let line) = result { return line }
                return nil
            }

            private static func line(
                _ bytes: inout ByteQueue, _ situation: OutputBuffer.Situation, from place: inout UInt64
            ) -> String? {
                if bytes.scan(from: &place, until: { $0 == UInt8(ascii: "\n") }) {
                    var line = bytes.takeFirst(Int(clamping: place &- bytes.start)).dropLast()
                    if line.last == UInt8(ascii: "\r") { line.removeLast() }
                    return String(decoding: line, as: UTF8.self)
                }
                guard situation.isFull || situation.isLast, !bytes.isEmpty else { return nil }
                let count = situation.isLast ? bytes.count : countOfWholeCharacters(bytes.bytes)
                return String(decoding: bytes.takeFirst(count), as: UTF8.self)
            }
        }
    }
}

/// How many bytes at the beginning do not cut a character of UTF-8 in two; all of them, where that leaves none.
private func countOfWholeCharacters(_ bytes: ArraySlice<UInt8>) -> Int {
    // The first byte of the last character, which tells how long that is.
    guard let first = bytes.suffix(4).lastIndex(where: { $0 & 0xC0 != 0x80 }), first > bytes.startIndex else {
        return bytes.count
    }
    let length = bytes[first] >= 0xF0 ? 4 : bytes[first] >= 0xE0 ? 3 : bytes[first] >= 0xC0 ? 2 : 1
    return bytes.endIndex - first < length ? first - bytes.startIndex : bytes.count
}
