import Glibc
import LinuxHost

/// What a read gave, or a negative error number.
enum ReadResult: Equatable {
    case success([UInt8])
    case failure(Int32)
}

extension Stream {
    func write(_ bytes: [UInt8]) -> Int {
        // SAFETY: raw bytes of a byte span are its elements.
        unsafe write(bytes.span.bytes)
    }

    func read(upTo room: Int) -> ReadResult {
        var bytes = [UInt8](repeating: 0xEE, count: room)
        var span = bytes.mutableSpan
        // SAFETY: any bytes are elements of a byte span.
        var raw = unsafe span.mutableBytes
        let count = read(into: &raw)
        return count < 0 ? .failure(Int32(clamping: count)) : .success(Array(bytes.prefix(count)))
    }

    /// Writes from as many buffers of one length.
    func write(_ bytes: [UInt8], buffers: Int) -> Int {
        let size = bytes.count / buffers
        // SAFETY: the buffers lie within the bytes, which live for the length of the call.
        return unsafe bytes.withUnsafeBytes { bytes in
            let parts = unsafe (0..<buffers).map { index in
                unsafe UnsafeRawBufferPointer(rebasing: bytes[index * size..<(index + 1) * size])
            }
            return unsafe parts.withUnsafeBufferPointer { unsafe write($0) }
        }
    }

    /// Fills as many buffers of one length.
    func read(_ bytes: inout [UInt8], buffers: Int) -> Int {
        let size = bytes.count / buffers
        // SAFETY: the buffers lie within the bytes, which live for the length of the call.
        return unsafe bytes.withUnsafeMutableBytes { bytes in
            let parts = unsafe (0..<buffers).map { index in
                unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[index * size..<(index + 1) * size])
            }
            return unsafe parts.withUnsafeBufferPointer { unsafe read($0) }
        }
    }
}
