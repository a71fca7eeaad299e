import CKVM

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
            return unsafe ckvm_read_now(descriptor, &part, 1)
        }
    }
}
