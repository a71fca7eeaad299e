import Glibc

/// Reads and writes of a file that are done in whole, or fail.
enum WholeIO {
    static func read(_ descriptor: Int32, at offset: UInt64, into bytes: inout MutableRawSpan) -> Bool {
        let count = bytes.byteCount
        // SAFETY: as many bytes are there as are asked for.
        return unsafe bytes.withUnsafeMutableBytes { target in
            repeated(count) { done in
                unsafe pread(
                    descriptor, target.baseAddress?.advanced(by: done), count - done, off_t(offset) + off_t(done))
            }
        }
    }

    static func write(_ descriptor: Int32, at offset: UInt64, _ bytes: RawSpan) -> Bool {
        let count = bytes.byteCount
        // SAFETY: as many bytes are there as are written.
        return unsafe bytes.withUnsafeBytes { source in
            repeated(count) { done in
                unsafe pwrite(
                    descriptor, source.baseAddress?.advanced(by: done), count - done, off_t(offset) + off_t(done))
            }
        }
    }

    private static func repeated(_ count: Int, _ call: (Int) -> Int) -> Bool {
        var done = 0
        while done < count {
            let result = call(done)
            if result > 0 { done += result } else if result == 0 || errno != EINTR { return false }
        }
        return true
    }
}
