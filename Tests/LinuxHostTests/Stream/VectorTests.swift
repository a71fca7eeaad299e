import Glibc
import LinuxHost
import TestSupport
import Testing

@Suite("Several buffers in one call")
struct VectorTests {
    private static let numbers = (0..<6_000).map { UInt8(truncatingIfNeeded: $0 % 251) }

    @Test(
        "of more than 1,024 buffers the first are written and filled", arguments: ["pipe", "socket", "file"],
        [1_024, 1_025, 2_000])
    func streams(kind: String, buffers: Int) {
        let path = TemporaryPath()
        let ends = kind == "pipe" ? Ends.pipe() : .socketPair()
        let file = path.makeFile()
        let target = kind == "file" ? file : ends.second
        let source = kind == "file" ? Ends.End(open(path.path, O_RDONLY)) : ends.first
        let bytes = Array(Self.numbers.prefix(buffers * 3))
        #expect(Stream(target.number, for: .writing).write(bytes, buffers: buffers) == 1_024 * 3)
        var read = [UInt8](repeating: 0xEE, count: buffers * 3)
        #expect(Stream(source.number, for: .reading).read(&read, buffers: buffers) == 1_024 * 3)
        #expect(read.prefix(3_072) == bytes.prefix(3_072))
        #expect(read.dropFirst(3_072).allSatisfy { $0 == 0xEE })
    }

    @Test("none at all is nothing, and empty ones are passed over")
    func empty() {
        let pair = Ends.socketPair()
        let (writer, reader) = (Stream(pair.second.number, for: .writing), Stream(pair.first.number, for: .reading))
        // SAFETY: there is no buffer.
        #expect(unsafe writer.write(UnsafeBufferPointer(start: nil, count: 0)) == 0)
        #expect(writer.write([]) == 0)
        let pipe = Ends.pipe()
        // SAFETY: there is no buffer.
        #expect(unsafe Stream(pipe.second.number, for: .writing).write(UnsafeBufferPointer(start: nil, count: 0)) == 0)
        #expect(reader.read(upTo: 10) == .failure(-EAGAIN))
    }

    @Test("at a place of a file they are read and written whatever its own place is")
    func positioned() {
        let file = TemporaryPath().makeFile()
        let bytes = Self.numbers
        func write(_ descriptor: Int32, at offset: Int64, buffers: Int) -> Int {
            let size = bytes.count / buffers
            // SAFETY: the buffers lie within the bytes, which live for the length of the call.
            return unsafe bytes.withUnsafeBytes { bytes in
                let parts = unsafe (0..<buffers).map { index in
                    unsafe UnsafeRawBufferPointer(rebasing: bytes[index * size..<(index + 1) * size])
                }
                return unsafe parts.withUnsafeBufferPointer {
                    unsafe PositionedIO.write(descriptor, at: offset, from: $0)
                }
            }
        }
        func read(_ descriptor: Int32, at offset: Int64, _ bytes: inout [UInt8]) -> Int {
            // SAFETY: the bytes live for the length of the call.
            unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe withUnsafePointer(to: bytes) {
                    unsafe PositionedIO.read(descriptor, at: offset, into: UnsafeBufferPointer(start: $0, count: 1))
                }
            }
        }
        #expect(write(file.number, at: 100, buffers: 1_500) == 1_024 * 4)
        #expect(write(file.number, at: 7, buffers: 1) == 6_000)
        var read6 = [UInt8](repeating: 0xEE, count: 6)
        #expect(read(file.number, at: 5, &read6) == 6)
        #expect(read6 == [0, 0, 0, 1, 2, 3])
        #expect(read(file.number, at: 6_004, &read6) == 3)
        #expect(read(file.number, at: 6_007, &read6) == 0)
        #expect(read(file.number, at: -1, &read6) == Int(-EINVAL))
        #expect(write(1_000_000, at: 0, buffers: 1) == Int(-EBADF))
        #expect(read(1_000_000, at: 0, &read6) == Int(-EBADF))
        #expect(lseek(file.number, 0, SEEK_CUR) == 0)
    }
}
