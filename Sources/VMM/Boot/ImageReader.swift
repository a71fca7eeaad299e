import DeviceModel
import Glibc
import KVM
import LinuxHost
import SystemPackage

/// An image that is being loaded: its size, and reads at any place. A file is open as long as this lives; what comes through a pipe is
/// kept in memory.
final class ImageReader: Sendable {
    private enum Backing: Sendable {
        case file(descriptor: Int32)
        case bytes([UInt8])
        case memory(HostMemory)
    }

    /// In bytes, more than 0.
    let size: UInt64
    private let backing: Backing
    /// Where gzip had packed it; nil for what is as it was.
    let packing: ImagePacking?

    init(_ source: ImageSource, _ limits: ImageLimits = ImageLimits()) throws(ImageError) {
        packing = nil
        switch source {
        case .bytes(let bytes):
            guard !bytes.isEmpty else { throw .empty }
            size = UInt64(bytes.count)
            backing = .bytes(bytes)
        case .descriptor(let descriptor, _):
            let status = try Self.status(descriptor)
            // A program may have put one in the place of a stream that was closed, as swiftvmm does.
            guard status.st_mode & S_IFMT != S_IFDIR else { throw .notRegularFile("closed, or a directory") }
            try Self.check(status, descriptor)
            (size, backing) = try Self.read(descriptor, limits)
        case .file(let path):
            // O_NONBLOCK: opening a named pipe must not wait for its other end. It means nothing for a regular file.
            // SAFETY: the string is a C string for the length of the call.
            let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
            guard descriptor >= 0 else { throw .cannotOpen(.current) }
            let file = OwnedDescriptor(number: descriptor)
            let status = try Self.status(descriptor)
            try Self.check(status, descriptor)
            if status.st_mode & S_IFMT == S_IFREG {
                guard status.st_size > 0 else { throw .empty }
                size = UInt64(status.st_size)
                backing = .file(descriptor: file.release())
            } else {
                (size, backing) = try Self.read(descriptor, limits)
            }
        }
    }

    /// What gzip packed, unpacked.
    private init(unpacking packed: ImageReader, _ limits: ImageLimits) throws(ImageError) {
        let content = try Gzip.unpack(packed, limits)
        guard content.size > 0 else { throw .empty }
        (size, backing) = (content.size, .memory(content.memory))
        packing = ImagePacking(size: packed.size, ignored: content.ignored)
    }

    /// Opens a guest's image, and unpacks it where gzip has packed it.
    ///
    /// - Parameter format: that was given. A flat image is taken as it is.
    static func open(
        _ source: ImageSource, format: ImageFormat?, _ limits: ImageLimits
    ) throws(VMMError) -> ImageReader {
        try imageErrors(source.name) { () throws(ImageError) in
            let image = try ImageReader(source, limits)
            guard format != .flat, try Gzip.isPacked(image) else { return image }
            return try ImageReader(unpacking: image, limits)
        }
    }

    deinit {
        if case .file(let descriptor) = backing { close(descriptor) }
    }

    private static func status(_ descriptor: Int32) throws(ImageError) -> stat {
        var status = stat()
        // SAFETY: the structure is the caller's own and lives for the length of the call.
        guard unsafe fstat(descriptor, &status) == 0 else { throw .cannotOpen(.current) }
        return status
    }

    /// Refuses what an image cannot be in.
    private static func check(_ status: stat, _ descriptor: Int32) throws(ImageError) {
        switch status.st_mode & S_IFMT {
        case S_IFREG, S_IFIFO, S_IFSOCK: break
        case S_IFDIR: throw .notRegularFile("a directory")
        case S_IFCHR where isatty(descriptor) == 1: throw .notRegularFile("a terminal")
        default: throw .notRegularFile("a device")
        }
    }

    private static func read(
        _ descriptor: Int32, _ limits: ImageLimits
    ) throws(ImageError) -> (UInt64, Backing) {
        let (memory, size) = try ImageStream.read(descriptor, limits)
        guard size > 0 else { throw .empty }
        return (UInt64(size), .memory(memory))
    }

    /// Fills `destination` with what stands at `offset`.
    ///
    /// - Parameter part: what the bytes are, for the error when the file ends before them.
    func read(at offset: UInt64, into destination: inout MutableRawSpan, part: String) throws(ImageError) {
        let count = destination.byteCount
        guard count <= size, offset <= size - UInt64(count) else { throw .truncated(part) }
        switch backing {
        case .bytes(let bytes):
            // SAFETY: the range lies inside the bytes, by the guard above.
            unsafe bytes.withUnsafeBytes { unsafe Self.copy($0, from: Int(offset), into: &destination) }
        case .memory(let memory):
            // SAFETY: the same, as the size is not more than the memory's.
            unsafe Self.copy(UnsafeRawBufferPointer(memory.bytes), from: Int(offset), into: &destination)
        case .file(let descriptor):
            try Self.readWhole(descriptor, at: offset, into: &destination, part: part)
        }
    }

    @unsafe
    private static func copy(
        _ source: UnsafeRawBufferPointer, from offset: Int, into destination: inout MutableRawSpan
    ) {
        let count = destination.byteCount
        // SAFETY: the caller has as many bytes there as the destination holds.
        unsafe destination.withUnsafeMutableBytes { target in
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[offset...].prefix(count)))
        }
    }

    /// How much is read before a signal is looked for, in bytes.
    private static let piece = 1 << 20

    private static func readWhole(
        _ descriptor: Int32, at offset: UInt64, into destination: inout MutableRawSpan, part: String
    ) throws(ImageError) {
        let count = destination.byteCount
        var done = 0
        while done < count {
            // SAFETY: the destination holds `count` bytes, of which `done` are filled.
            let result = unsafe destination.withUnsafeMutableBytes { bytes in
                unsafe pread(
                    descriptor, bytes.baseAddress?.advanced(by: done), min(piece, count - done),
                    off_t(offset) + off_t(done))
            }
            // A program that catches signals wants to end now, however large the image is.
            if StopSignals.caught != nil { throw .cannotRead(Errno(rawValue: EINTR)) }
            if result > 0 {
                done += result
            } else if result == 0 {
                // Another program made the file shorter since it was opened.
                throw .truncated(part)
            } else if errno != EINTR {
                throw .cannotRead(.current)
            }
        }
    }

    /// The bytes at `offset`, as many as there are up to `count`.
    func prefix(_ count: Int) throws(ImageError) -> [UInt8] {
        try bytes(at: 0, count: Int(min(UInt64(count), size)), part: "header")
    }

    func bytes(at offset: UInt64, count: Int, part: String) throws(ImageError) -> [UInt8] {
        // Before the room for them is made: the count may come from the file.
        guard count <= size else { throw .truncated(part) }
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        // SAFETY: raw bytes of a byte span are its elements; there is no padding and no invalid pattern.
        var raw = unsafe span.mutableBytes
        try read(at: offset, into: &raw, part: part)
        return bytes
    }
}

/// How an image was packed by gzip.
public struct ImagePacking: Equatable, Sendable {
    /// Of the file, in bytes.
    public let size: UInt64
    /// How many bytes of it are behind what gzip packed, and are not looked at.
    public let ignored: UInt64
}

/// Where an image comes from.
public enum ImageSource: Equatable, Sendable {
    /// The path of a file, or of a named pipe, which is read to its end.
    case file(String)
    /// What is open already: a pipe, a socket or a file, which is read from where it is to its end, and not closed. A machine's making
    /// waits for that, ``MachineConfiguration/deadline`` at most.
    case descriptor(Int32, name: String)
    /// The image itself, such as a few instructions that a program made.
    case bytes([UInt8])

    /// What messages call it.
    public var name: String {
        switch self {
        case .file(let path): path
        case .descriptor(_, let name): name
        case .bytes(let bytes): "the image of \(bytes.count) bytes in memory"
        }
    }

    /// What guests are told that it is called: the file as it was named.
    var fileName: String { if case .file(let path) = self { path } else { "image" } }
}

/// Little-endian fields of a header that was read from an untrusted image.
struct ByteFields {
    private let bytes: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    /// The field at `offset`, or nil where the bytes end before it.
    func load<Value: FixedWidthInteger>(_ type: Value.Type, at offset: Int) -> Value? {
        bytes.loadLittleEndian(type, at: offset)
    }
}
