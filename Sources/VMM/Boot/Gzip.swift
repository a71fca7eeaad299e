import CZlib
import Glibc
import LinuxHost
import SystemPackage

/// Unpacking what gzip packed (RFC 1952), by zlib.
enum Gzip {
    static let magic: [UInt8] = [0x1F, 0x8B]
    /// How much is read at once, in bytes.
    private static let piece = 256 << 10

    /// What was unpacked.
    struct Content {
        let memory: HostMemory
        /// In bytes.
        let size: UInt64
        /// How many bytes of the file are behind it.
        let ignored: UInt64
    }

    static func isPacked(_ image: ImageReader) throws(ImageError) -> Bool {
        try image.prefix(magic.count) == magic
    }

    /// Unpacks all members, one after the other. What is behind them and no member is left alone, as gzip does it.
    ///
    /// - Parameter piece: how much is read at once, in bytes.
    static func unpack(
        _ image: ImageReader, _ limits: ImageLimits, piece: Int = piece
    ) throws(ImageError) -> Content {
        let memory = try limits.makeMemory()
        var inflater = try Inflater()
        var (offset, size): (UInt64, UInt64) = (0, 0)
        // What was read from the offset on: it may have many small members.
        var packed: ArraySlice<UInt8> = []
        while offset < image.size {
            try limits.check()
            if packed.isEmpty {
                let count = Int(min(UInt64(piece), image.size - offset))
                packed = try image.bytes(at: offset, count: count, part: "gzip data")[...]
            }
            // SAFETY: the memory lives longer than the call, and has more room than the limit, which was not reached.
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: memory.bytes[Int(size)...])
            let step = try unsafe inflater.inflate(packed, into: room)
            packed = packed.dropFirst(step.taken)
            offset += UInt64(step.taken)
            size += UInt64(step.given)
            guard size <= limits.size else { throw .overLimit(limits.size) }
            guard step.isAtEnd else { continue }
            let left = image.size - offset
            if packed.count < magic.count {
                // What is read for the next member begins with its magic number.
                packed = try image.bytes(at: offset, count: Int(min(UInt64(magic.count), left)), part: "gzip data")[...]
            }
            guard packed.starts(with: magic) else { return Content(memory: memory, size: size, ignored: left) }
            inflater.reset()
        }
        throw .truncated("gzip data")
    }
}

/// The state of zlib while it unpacks.
@safe private struct Inflater: ~Copyable {
    /// What became of a call: how many bytes it took and gave, and whether a member is at its end.
    struct Step {
        let taken: Int
        let given: Int
        let isAtEnd: Bool
    }

    /// At one place for its life, as zlib wants it.
    private let stream: UnsafeMutablePointer<z_stream>

    init() throws(ImageError) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // The largest window, and gzip's header and checksum (zlib.h, inflateInit2).
        // SAFETY: a structure of the size that is told, which zlib fills in.
        let result = unsafe inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else {
            unsafe stream.deallocate()
            throw .cannotRead(Errno(rawValue: ENOMEM))
        }
        unsafe self.stream = stream
    }

    deinit {
        // SAFETY: made in `init`, and used by nobody else.
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// For the next member.
    mutating func reset() {
        // SAFETY: the state is zlib's own.
        unsafe inflateReset(stream)
    }

    /// Takes of the bytes as many as there is room for, up to the end of a member.
    @unsafe
    mutating func inflate(
        _ bytes: ArraySlice<UInt8>, into room: UnsafeMutableRawBufferPointer
    ) throws(ImageError) -> Step {
        let available = UInt32(clamping: room.count)
        // SAFETY: zlib reads and writes no more than what is told to be there, within the call.
        let result = unsafe bytes.withUnsafeBufferPointer { packed in
            unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: packed.baseAddress)
            unsafe stream.pointee.avail_in = UInt32(clamping: packed.count)
            unsafe stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe stream.pointee.avail_out = available
            return unsafe CZlib.inflate(stream, Z_NO_FLUSH)
        }
        let taken = unsafe bytes.count - Int(stream.pointee.avail_in)
        let given = unsafe Int(available - stream.pointee.avail_out)
        switch result {
        case Z_OK where taken > 0 || given > 0: return Step(taken: taken, given: given, isAtEnd: false)
        case Z_STREAM_END: return Step(taken: taken, given: given, isAtEnd: true)
        case Z_MEM_ERROR: throw .cannotRead(Errno(rawValue: ENOMEM))
        default:
            let words = unsafe stream.pointee.msg.map { unsafe String(cString: $0) }
            throw .brokenGzip(words ?? "a member does not go on")
        }
    }
}
