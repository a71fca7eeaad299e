import CLinuxHost

/// Several buffers in one call; of more than 1,024 buffers it takes the first.
public enum VectorIO {
    /// How many buffers one call takes (IOV_MAX, Linux limits.h).
    private static let longest = 1024

    /// Writes from the buffers, one after the other (writev(2)).
    ///
    /// - Returns: the number of bytes, or a negative error number.
    @unsafe
    public static func write(_ buffers: UnsafeBufferPointer<UnsafeRawBufferPointer>, to descriptor: Int32) -> Int {
        unsafe withVector(buffers) {
            unsafe UnsafeMutableRawBufferPointer(mutating: $0)
        } _: {
            unsafe clinux_write(descriptor, $0, $1)
        }
    }

    /// Fills the buffers, one after the other, as ``InstantRead`` does.
    ///
    /// - Returns: the number of bytes, 0 at the end, or a negative error number.
    @unsafe
    public static func readNow(
        _ descriptor: Int32, into buffers: UnsafeBufferPointer<UnsafeMutableRawBufferPointer>
    ) -> Int {
        unsafe withVector(buffers) {
            unsafe $0
        } _: {
            unsafe clinux_read_now(descriptor, $0, $1)
        }
    }

    private static func withVector<Buffer>(
        _ buffers: UnsafeBufferPointer<Buffer>, _ convert: (Buffer) -> UnsafeMutableRawBufferPointer,
        _ body: (UnsafePointer<iovec>?, Int32) -> Int
    ) -> Int {
        let count = min(buffers.count, longest)
        // SAFETY: as many entries are made as there is room for, and only those are passed on; they are trivial.
        return unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: count) { vector in
            for index in 0..<count {
                let buffer = unsafe convert(buffers[index])
                unsafe vector.initializeElement(
                    at: index, to: iovec(iov_base: buffer.baseAddress, iov_len: buffer.count))
            }
            return unsafe body(vector.baseAddress, Int32(truncatingIfNeeded: count))
        }
    }
}

/// A read that does not wait.
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
