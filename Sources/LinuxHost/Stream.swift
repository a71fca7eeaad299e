import CLinuxHost
import Glibc

/// A descriptor that is read or written without waiting. Whether it has O_NONBLOCK is left as it is: that belongs to all processes that
/// share the open file. A pipe or a terminal is opened anew instead, and a socket is told with each call.
public final class Stream: Sendable {
    public enum Direction: Sendable { case reading, writing }

    /// What poll(2) and ``EventLoop`` look at.
    public let number: Int32
    /// Whether a call can take long all the same, as with a file on a slow disk: it belongs on a thread that may wait.
    public let mayBlock: Bool
    private let kind: Int32
    /// What was opened anew.
    private let own: OwnedDescriptor?

    /// - Parameter descriptor: stays open as long as this is used; it is not closed.
    public init(_ descriptor: Int32, for direction: Direction) {
        var status = stat()
        // SAFETY: the structure is the caller's own.
        let isKnown = unsafe fstat(descriptor, &status) == 0
        let type = isKnown ? status.st_mode & S_IFMT : 0
        // The memory devices, such as /dev/null, never make anyone wait.
        let isMemory = type == S_IFCHR && status.st_rdev >> 8 == 1
        // A pseudo-terminal's first side would become another one's.
        let isMaster = type == S_IFCHR && status.st_rdev == 5 << 8 | 2
        let flags = fcntl(descriptor, F_GETFL)
        let isWaiting = flags & O_NONBLOCK == 0
        let mode = direction == .reading ? O_RDONLY : O_WRONLY
        // One that is not open for this fails at once, and must not be opened for it by the way.
        let isOpen = [mode, O_RDWR].contains(flags & O_ACCMODE)
        var (number, kind, mayBlock) = (descriptor, CLINUX_PLAIN, false)
        var own: OwnedDescriptor?
        if type == S_IFSOCK {
            kind = CLINUX_SOCKET
        } else if type == S_IFREG || type == S_IFBLK {
            mayBlock = true
        } else if isWaiting, !isMemory, isOpen {
            let isTerminal = type == S_IFCHR && !isMaster && isatty(descriptor) == 1
            let new = type == S_IFIFO || isTerminal ? clinux_reopen(descriptor, mode) : -1
            if new >= 0 {
                number = Int32(truncatingIfNeeded: new)
                own = OwnedDescriptor(number: number)
            } else {
                (kind, mayBlock) = (CLINUX_CAREFUL, true)
            }
        }
        self.number = number
        self.kind = Int32(kind.rawValue)
        self.mayBlock = mayBlock
        self.own = own
    }

    /// Writes from the buffers, one after the other; of more than 1,024 it takes the first.
    ///
    /// - Returns: the number of bytes, or a negative error number; -EAGAIN where there is no room.
    @unsafe
    public func write(_ buffers: UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int {
        unsafe withVector(buffers) {
            unsafe UnsafeMutableRawBufferPointer(mutating: $0)
        } _: {
            unsafe clinux_write_stream(number, kind, $0, $1)
        }
    }

    /// Fills the buffers, one after the other.
    ///
    /// - Returns: the number of bytes, 0 at the end, or a negative error number; -EAGAIN where nothing has come.
    @unsafe
    public func read(_ buffers: UnsafeBufferPointer<UnsafeMutableRawBufferPointer>) -> Int {
        unsafe withVector(buffers) {
            unsafe $0
        } _: {
            unsafe clinux_read_stream(number, kind, $0, $1)
        }
    }

    /// Writes the bytes, as many as there is room for, as ``write(_:)`` does.
    public func write(_ bytes: RawSpan) -> Int {
        // SAFETY: the bytes live for the length of the call.
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe withUnsafePointer(to: bytes) { unsafe write(UnsafeBufferPointer(start: $0, count: 1)) }
        }
    }

    /// Fills the bytes with what has come, as ``read(_:)`` does.
    public func read(into bytes: inout MutableRawSpan) -> Int {
        // SAFETY: the system fills at most as many bytes as there are.
        unsafe bytes.withUnsafeMutableBytes { bytes in
            unsafe withUnsafePointer(to: bytes) { unsafe read(UnsafeBufferPointer(start: $0, count: 1)) }
        }
    }
}

/// A read of a descriptor that another one may read, too.
public enum InstantRead {
    /// Reads what is there, where the kernel can do that without waiting for such a file: what poll(2) has told of may be gone, to
    /// another process.
    ///
    /// - Returns: the number of bytes, 0 at the end, or a negative error number.
    public static func read(_ descriptor: Int32, into bytes: inout MutableRawSpan) -> Int {
        // SAFETY: the system fills at most as many bytes as there are.
        unsafe bytes.withUnsafeMutableBytes { bytes in
            var part = unsafe iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
            return unsafe clinux_read_now(descriptor, &part, 1)
        }
    }
}
