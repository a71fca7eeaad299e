import Glibc
import LinuxHost
import TestSupport
import Testing

@Suite("Streams of descriptors that do not fit")
struct WrongDescriptorTests {
    @Test("one that is closed, or was never open, is an error and not a wait", arguments: [1_000_000, -1] as [Int32])
    func closed(number: Int32) {
        for direction in [Stream.Direction.reading, .writing] {
            let stream = Stream(number, for: direction)
            #expect(!stream.mayBlock)
            #expect(stream.write([1]) == Int(-EBADF))
            #expect(stream.read(upTo: 1) == .failure(-EBADF))
        }
    }

    @Test("the end of a pipe that is read cannot be written to, nor the other one read", arguments: [false, true])
    func pipe(isNonblocking: Bool) {
        for ends in [Ends.pipe(), .fifo()] {
            if isNonblocking {
                ends.first.setNonblocking()
                ends.second.setNonblocking()
            }
            #expect(Stream(ends.first.number, for: .writing).write([1]) == Int(-EBADF))
            // The second end of a FIFO is open for both.
            guard fcntl(ends.second.number, F_GETFL) & O_ACCMODE == O_WRONLY else { continue }
            #expect(Stream(ends.second.number, for: .reading).read(upTo: 1) == .failure(-EBADF))
        }
    }

    @Test(
        "a file, a terminal or /dev/null that is open for one direction is not for the other",
        arguments: ["file", "terminal", "null"])
    func oneDirection(kind: String) throws {
        let path = TemporaryPath()
        let ends = Ends.pseudoTerminal()
        let file = path.makeFile()
        let name =
            switch kind {
            case "file": path.path
            case "terminal": try #require(Ends.terminalPath(of: ends.second.number))
            default: "/dev/null"
            }
        let (readOnly, writeOnly) = (Ends.End(open(name, O_RDONLY)), Ends.End(open(name, O_WRONLY)))
        #expect(Stream(readOnly.number, for: .writing).write([1]) == Int(-EBADF))
        #expect(Stream(writeOnly.number, for: .reading).read(upTo: 1) == .failure(-EBADF))
        extendLifetime(file)
    }

    @Test("a folder is an error")
    func folder() {
        let folder = Ends.End(open("/tmp", O_RDONLY | O_DIRECTORY))
        #expect(Stream(folder.number, for: .reading).read(upTo: 1) == .failure(-EISDIR))
    }

    @Test("the end of a FIFO that nobody reads is an error and not a wait")
    func fifoWithoutReader() {
        _ = signal(SIGPIPE, SIG_IGN)
        let fifo = Ends.fifo()
        let path = "/proc/self/fd/\(fifo.second.number)"
        let writer = Ends.End(open(path, O_WRONLY))
        fifo.first.close()
        fifo.second.close()
        let stream = Stream(writer.number, for: .writing)
        #expect(happens { stream.write([1]) == Int(-EPIPE) })
    }

    @Test("a socket that is connected to nothing is an error")
    func unconnected() {
        _ = signal(SIGPIPE, SIG_IGN)
        let end = Ends.End(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
        #expect(Stream(end.number, for: .writing).write([1]) == Int(-ENOTCONN))
        #expect(Stream(end.number, for: .reading).read(upTo: 1) == .failure(-EINVAL))
    }
}
