import Glibc
import LinuxHost
import SystemPackage
import TestSupport
import Testing

@Suite("Streams")
struct StreamTests {
    /// What a stream can be made of, as an open descriptor.
    enum Kind: String, CaseIterable {
        case pipe, socket, terminal, pseudoTerminal, fifo, file, null

        /// - Parameter direction: which of two ends is wanted.
        func make(for direction: Stream.Direction) -> (end: Ends.End, other: Any) {
            switch self {
            case .pipe: Self.end(of: .pipe(), direction)
            case .socket: Self.end(of: .socketPair(), .reading)
            case .terminal: Self.end(of: .pseudoTerminal(), .writing)
            case .pseudoTerminal: Self.end(of: .pseudoTerminal(), .reading)
            case .fifo: Self.end(of: .fifo(), direction)
            case .file:
                { (path: TemporaryPath) in (path.makeFile(), path) }(TemporaryPath())
            case .null: (Ends.End(open("/dev/null", O_RDWR)), 0)
            }
        }

        private static func end(of ends: Ends, _ direction: Stream.Direction) -> (Ends.End, Any) {
            (direction == .reading ? ends.first : ends.second, ends)
        }

        /// Whether its calls may take long where it has no O_NONBLOCK.
        var mayBlock: Bool { self == .file || self == .pseudoTerminal }
        /// Whether it is opened anew where it has no O_NONBLOCK.
        var isReopened: Bool { [.pipe, .terminal, .fifo].contains(self) }
    }

    @Test(
        "files may take long, and a pseudo-terminal's first side that has no O_NONBLOCK", arguments: Kind.allCases,
        [Stream.Direction.reading, .writing])
    func mayBlock(kind: Kind, direction: Stream.Direction) {
        let (end, other) = kind.make(for: direction)
        let stream = Stream(end.number, for: direction)
        #expect(stream.mayBlock == kind.mayBlock)
        #expect((stream.number != end.number) == kind.isReopened)
        #expect(!end.isNonblocking)
        extendLifetime(other)
    }

    @Test(
        "what has O_NONBLOCK is used as it is, and only files may take long", arguments: Kind.allCases,
        [Stream.Direction.reading, .writing])
    func nonblocking(kind: Kind, direction: Stream.Direction) {
        let (end, other) = kind.make(for: direction)
        end.setNonblocking()
        let stream = Stream(end.number, for: direction)
        #expect(stream.mayBlock == (kind == .file))
        #expect(stream.number == end.number)
        #expect(end.isNonblocking)
        extendLifetime(other)
    }

    /// A file is never empty, and /dev/null always at its end.
    @Test(
        "where nothing has come a read says so, and O_NONBLOCK stays as it was",
        arguments: Kind.allCases.filter { ![.file, .null].contains($0) }, [false, true])
    func empty(kind: Kind, isNonblocking: Bool) {
        let (end, other) = kind.make(for: .reading)
        if isNonblocking { end.setNonblocking() }
        let stream = Stream(end.number, for: .reading)
        for _ in 0..<3 { #expect(stream.read(upTo: 100) == .failure(-EAGAIN)) }
        #expect(end.isNonblocking == isNonblocking)
        extendLifetime(other)
    }

    @Test(
        "where there is no room a write says so, and O_NONBLOCK stays as it was",
        arguments: [Kind.pipe, .socket, .terminal, .fifo], [false, true])
    func full(kind: Kind, isNonblocking: Bool) {
        let (end, other) = kind.make(for: .writing)
        if isNonblocking { end.setNonblocking() }
        let stream = Stream(end.number, for: .writing)
        var (count, result) = (0, 0)
        repeat {
            result = stream.write([UInt8](repeating: 1, count: 1_000))
            count += max(0, result)
        } while result > 0 && count < 100 << 20
        #expect(result == Int(-EAGAIN))
        #expect(count > 0)
        // What a terminal passes on makes room a moment later, until its other side is full, too.
        #expect(happens { stream.write([UInt8](repeating: 1, count: 1_000)) == Int(-EAGAIN) })
        #expect(end.isNonblocking == isNonblocking)
        extendLifetime(other)
    }

    @Test("a file and /dev/null take everything, and have an end")
    func files() {
        let path = TemporaryPath()
        let file = path.makeFile()
        let stream = Stream(file.number, for: .writing)
        #expect(stream.write(Array("hello".utf8)) == 5)
        #expect(stream.write([]) == 0)
        let reader = Ends.End(open(path.path, O_RDONLY))
        let readStream = Stream(reader.number, for: .reading)
        #expect(readStream.read(upTo: 3) == .success(Array("hel".utf8)))
        #expect(readStream.read(upTo: 100) == .success(Array("lo".utf8)))
        #expect(readStream.read(upTo: 100) == .success([]))
        let null = Ends.End(open("/dev/null", O_RDWR))
        #expect(Stream(null.number, for: .writing).write([1, 2, 3]) == 3)
        #expect(Stream(null.number, for: .reading).read(upTo: 3) == .success([]))
    }

    @Test("bytes go through as they are", arguments: [Kind.pipe, .socket, .terminal, .pseudoTerminal, .fifo])
    func passes(kind: Kind) throws {
        let ends: Ends =
            switch kind {
            case .pipe: .pipe()
            case .socket: .socketPair()
            case .fifo: .fifo()
            default: .pseudoTerminal()
            }
        // Of a pseudo-terminal both ways.
        let (from, to) = kind == .pseudoTerminal ? (ends.first, ends.second) : (ends.second, ends.first)
        let writer = Stream(from.number, for: .writing)
        let reader = Stream(to.number, for: .reading)
        var random = SplitMix64(seed: 1)
        for _ in 0..<200 {
            let bytes = (0..<Int.random(in: 1...200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            #expect(writer.write(bytes) == bytes.count)
            var received: [UInt8] = []
            // What goes through a terminal comes a moment later.
            #expect(
                happens {
                    if case .success(let part) = reader.read(upTo: 300) { received += part }
                    return received.count >= bytes.count
                })
            #expect(received == bytes)
        }
    }

    @Test("the end of a writer that has a stream is seen when both are closed")
    func writersEnd() {
        let pipe = Ends.pipe()
        pipe.first.setNonblocking()
        var stream: Stream? = Stream(pipe.second.number, for: .writing)
        #expect(stream?.write([1]) == 1)
        pipe.second.close()
        #expect(stream?.write([2]) == 1, "the stream is open by itself")
        #expect(pipe.first.read(upTo: 10) == [1, 2])
        #expect(pipe.first.read(upTo: 10) == nil, "not the end yet")
        stream = nil
        #expect(happens { pipe.first.read(upTo: 10) == [] })
    }

    @Test("the end of a reader that has a stream is seen when both are closed")
    func readersEnd() {
        _ = signal(SIGPIPE, SIG_IGN)
        let pipe = Ends.pipe()
        var stream: Stream? = Stream(pipe.first.number, for: .reading)
        pipe.first.close()
        #expect(pipe.second.write([1]) == 1)
        #expect(stream?.read(upTo: 10) == .success([1]))
        stream = nil
        #expect(happens { pipe.second.write([1]) == -1 && errno == EPIPE })
    }

    @Test("a stream that goes leaves the descriptor open", arguments: Kind.allCases)
    func leavesOpen(kind: Kind) {
        let (end, other) = kind.make(for: .writing)
        for _ in 0..<10 { _ = Stream(end.number, for: .writing) }
        #expect(fcntl(end.number, F_GETFD) >= 0)
        extendLifetime(other)
    }

    @Test(
        "a writer whose reader is gone is told so, and a reader whose writer is gone has reached the end",
        arguments: [Kind.pipe, .socket, .fifo])
    func gone(kind: Kind) {
        _ = signal(SIGPIPE, SIG_IGN)
        let ends: Ends =
            switch kind {
            case .pipe: .pipe()
            case .socket: .socketPair()
            default: .fifo()
            }
        if kind != .fifo {
            let writer = Stream(ends.second.number, for: .writing)
            ends.first.close()
            #expect(happens { writer.write([1]) == Int(-EPIPE) })
            #expect(writer.write([UInt8](repeating: 1, count: 1 << 20)) == Int(-EPIPE))
            // One that is made then cannot be opened anew, and does not wait either.
            #expect(Stream(ends.second.number, for: .writing).write([1]) == Int(-EPIPE))
        }
        let others: Ends = kind == .socket ? .socketPair() : kind == .pipe ? .pipe() : ends
        let reader = Stream(others.first.number, for: .reading)
        others.second.close()
        #expect(happens { reader.read(upTo: 10) == .success([]) })
    }

    @Test("a socket's writer whose reader is gone raises no signal")
    func noSignal() async {
        await #expect(processExitsWith: .success) {
            _ = signal(SIGPIPE, SIG_DFL)
            let pair = Ends.socketPair()
            let writer = Stream(pair.second.number, for: .writing)
            pair.first.close()
            exit(writer.write([1]) == Int(-EPIPE) ? EXIT_SUCCESS : 1)
        }
    }
}
