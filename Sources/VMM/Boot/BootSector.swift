import DeviceModel
import Synchronization

/// How an image with a boot sector becomes a disk that its BIOS boots from.
enum BootSector {
    /// In bytes.
    static let size = 512

    /// The number by which INT 13h has the disk: 0 for a floppy, which is what an image of exactly a floppy's size is, and 80h for a hard
    /// disk, as any other is.
    static func drive(ofImage size: UInt64) -> UInt8 {
        isFloppy(size) ? 0 : 0x80
    }

    static func isFloppy(_ size: UInt64) -> Bool {
        size % UInt64(Self.size) == 0 && DiskGeometry.floppy(size / UInt64(Self.size)) != nil
    }

    /// What its BIOS needs in memory.
    static var pieces: [BootPlan.Piece] {
        let code = BIOSCode(port: UInt8(truncatingIfNeeded: Ports.vectors))
        return [BootPlan.Piece(name: "interrupt table", bytes: code.interruptTable, at: 0)]
            + code.pieces.map {
                BootPlan.Piece(name: $0.name, bytes: $0.bytes, at: LowMemory.biosSegment + UInt64($0.offset))
            }
    }
}

/// The image as a disk. What the guest writes is kept beside it, for this run, so that the image stays as it is.
final class ImageDrive: BIOSDrive {
    /// How many sectors are kept: 16 MiB. More cannot be written.
    private static let limit = 32_768
    private static let sectorSize = BootSector.size
    /// How much is read at once, in bytes.
    private static let piece = 1 << 16

    private let image: ImageReader
    private let written = Mutex<[UInt64: [UInt8]]>([:])

    /// Whole sectors; what is missing of the last one is zero.
    let sectorCount: UInt64

    init(_ image: ImageReader) {
        self.image = image
        sectorCount = image.size / UInt64(Self.sectorSize) + (image.size % UInt64(Self.sectorSize) == 0 ? 0 : 1)
    }

    func read(at sector: UInt64, into bytes: inout MutableRawSpan) -> Bool {
        written.withLock { written in
            let start = sector &* UInt64(Self.sectorSize)
            let count = Int(truncatingIfNeeded: min(UInt64(bytes.byteCount), image.size &- min(start, image.size)))
            // The last sector's end, where the image has none.
            for index in count..<bytes.byteCount { bytes.storeBytes(of: 0, toByteOffset: index, as: UInt8.self) }
            for done in stride(from: 0, to: count, by: Self.piece) {
                let part = min(Self.piece, count - done)
                guard let found = try? image.bytes(at: start &+ UInt64(done), count: part, part: "sectors") else {
                    return false
                }
                Self.copy(found, to: &bytes, at: done)
            }
            guard !written.isEmpty else { return true }
            for index in 0..<bytes.byteCount / Self.sectorSize {
                guard let kept = written[sector &+ UInt64(index)] else { continue }
                Self.copy(kept, to: &bytes, at: index * Self.sectorSize)
            }
            return true
        }
    }

    func write(_ bytes: RawSpan, at sector: UInt64) -> BIOSDiskError? {
        written.withLock { written in
            for index in 0..<bytes.byteCount / Self.sectorSize {
                let number = sector &+ UInt64(index)
                guard written[number] != nil || written.count < Self.limit else { return .writeFault }
                let start = index * Self.sectorSize
                // SAFETY: a sector lies inside the bytes, of which there are whole sectors.
                written[number] = (0..<Self.sectorSize).map {
                    unsafe bytes.unsafeLoad(fromByteOffset: start + $0, as: UInt8.self)
                }
            }
            return nil
        }
    }

    private static func copy(_ source: [UInt8], to bytes: inout MutableRawSpan, at offset: Int) {
        // SAFETY: the caller's bytes hold as many from the offset on.
        unsafe bytes.withUnsafeMutableBytes { target in
            unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset...]).copyBytes(from: source)
        }
    }
}
