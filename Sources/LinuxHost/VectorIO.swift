import CLinuxHost
import Glibc

/// How many buffers one call takes (IOV_MAX, Linux limits.h).
public let longestVector = 1024

/// Calls `body` with buffers as readv(2) and its like have them; of more than ``longestVector`` with the first.
func withVector<Buffer>(
    _ buffers: UnsafeBufferPointer<Buffer>, _ convert: (Buffer) -> UnsafeMutableRawBufferPointer,
    _ body: (UnsafePointer<iovec>?, Int32) -> Int
) -> Int {
    let count = min(buffers.count, longestVector)
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

/// Reads and writes at a place of a file, whatever others do with it (preadv(2), pwritev(2)).
public enum PositionedIO {
    /// Fills the buffers with what stands at `offset`.
    ///
    /// - Returns: the number of bytes, 0 at the file's end, or a negative error number.
    @unsafe
    public static func read(
        _ descriptor: Int32, at offset: Int64, into buffers: UnsafeBufferPointer<UnsafeMutableRawBufferPointer>
    ) -> Int {
        unsafe withVector(buffers) {
            unsafe $0
        } _: {
            result(unsafe preadv(descriptor, $0, $1, Int(offset)))
        }
    }

    /// Writes from the buffers.
    ///
    /// - Returns: the number of bytes, or a negative error number.
    @unsafe
    public static func write(
        _ descriptor: Int32, at offset: Int64, from buffers: UnsafeBufferPointer<UnsafeRawBufferPointer>
    ) -> Int {
        unsafe withVector(buffers) {
            unsafe UnsafeMutableRawBufferPointer(mutating: $0)
        } _: {
            result(unsafe pwritev(descriptor, $0, $1, Int(offset)))
        }
    }

    private static func result(_ count: Int) -> Int { count < 0 ? Int(0 - errno) : count }
}
