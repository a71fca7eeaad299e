import DeviceModel

/// How a guest is booted: the protocol, and every byte that is placed for it.
public struct BootPlan: Equatable, Sendable {
    /// Bytes that go to one place, and the zeros behind them.
    public struct Piece: Equatable, Sendable {
        public enum Content: Equatable, Sendable {
            /// So many bytes of the image, from an offset on.
            case image(offset: UInt64, count: UInt64)
            /// A whole file beside the image, by its number among the machine's modules.
            case module(Int, count: UInt64)
            /// What was made for this machine.
            case bytes([UInt8])
        }

        /// What messages call it.
        public let name: String
        public let content: Content
        /// Guest-physical.
        public let address: UInt64
        /// In bytes, never less than the content. What is more than that is zero.
        public let memorySize: UInt64

        init(name: String, fileOffset: UInt64, fileSize: UInt64, address: UInt64, memorySize: UInt64) {
            self.name = name
            content = .image(offset: fileOffset, count: fileSize)
            self.address = address
            self.memorySize = memorySize
        }

        init(name: String, bytes: [UInt8], at address: UInt64) {
            self.name = name
            content = .bytes(bytes)
            self.address = address
            memorySize = UInt64(bytes.count)
        }

        init(module number: Int, size: UInt64, at address: UInt64) {
            name = "module \(number)"
            content = .module(number, count: size)
            self.address = address
            memorySize = size
        }

        init(_ segment: ELFImage.Segment) {
            self.init(
                name: "ELF segment \(segment.number)", fileOffset: segment.fileOffset, fileSize: segment.fileSize,
                address: segment.physicalAddress, memorySize: segment.memorySize)
        }

        /// In bytes from the image's start; 0 for what is not of the image.
        public var fileOffset: UInt64 { if case .image(let offset, _) = content { offset } else { 0 } }
        /// How many bytes are placed.
        public var fileSize: UInt64 {
            switch content {
            case .image(_, let count), .module(_, let count): count
            case .bytes(let bytes): UInt64(bytes.count)
            }
        }
    }

    public let `protocol`: BootProtocol
    /// The image's in its order, then the tables. The image's lie in RAM and apart from each other.
    public let pieces: [Piece]

    public var mode: CPUMode { self.protocol.mode }
    public var entry: UInt64 { self.protocol.entry }

    init(_ bootProtocol: BootProtocol, pieces: [Piece]) {
        self.protocol = bootProtocol
        self.pieces = pieces
    }

    /// For a flat image of so many bytes, wherever RAM is.
    init(flat size: UInt64, mode: CPUMode) {
        let address = mode == .real ? LowMemory.realModeImage : LowMemory.flatImage
        self.init(
            BootProtocol(mode, entry: address),
            pieces: [Piece(name: "contents", fileOffset: 0, fileSize: size, address: address, memorySize: size)])
    }

    /// Itself, when a flat image's one piece lies in RAM.
    func flatChecked(against ram: [GuestMemory.Region]) throws(ImageError) -> BootPlan {
        // Where it is loaded is in the first region, if anywhere.
        let (room, isBelow) = (ram.first?.size ?? 0).subtractingReportingOverflow(entry)
        for piece in pieces where isBelow || piece.memorySize > room {
            throw .larger(size: piece.memorySize, thanRoom: isBelow ? 0 : room)
        }
        return self
    }

    /// What a file says is checked here against the machine's RAM.
    ///
    /// - Parameter boot: gives the protocol for the guest-physical address of the entry.
    init(
        _ elf: ELFImage, ram: [GuestMemory.Region],
        as boot: (CPUMode, UInt64) -> BootProtocol = BootProtocol.init(_:entry:)
    ) throws(ImageError) {
        if let fault = elf.fault { throw fault }
        // Without a fault there is a header.
        guard let header = elf.header else { throw .truncated("ELF header") }
        guard let entry = elf.physicalEntry else { throw .elf(.entryOutsideSegments(header.entry)) }
        guard entry < HighMemory.mappedEnd else { throw .elf(.entryNotMapped(entry)) }
        for segment in elf.segments {
            let start = segment.physicalAddress
            guard start >= LowMemory.tablesEnd else { throw .elf(.segmentOverTables(segment.number, start: start)) }
            guard ram.contains(where: { $0.contains(GuestAddress(start), count: segment.memorySize) }) else {
                throw .elf(.segmentOutsideRAM(segment.number, start: start, size: segment.memorySize))
            }
        }
        self.init(boot(header.fileClass.mode, entry), pieces: elf.segments.map { Piece($0) })
    }

    /// The same with what the machine adds: modules, and the tables that the protocol wants.
    func adding(_ more: [Piece]) -> BootPlan { BootPlan(self.protocol, pieces: pieces + more) }

    /// Puts everything into guest memory. The plan has checked that the bytes are in the file and the place in RAM.
    ///
    /// - Parameter modules: the files beside the image, as many as were planned for.
    func load(from image: ImageReader, modules: [ImageReader] = [], into memory: GuestMemory) throws(ImageError) {
        for piece in pieces where piece.fileSize > 0 {
            switch piece.content {
            case .image: try Self.fill(image, piece, memory)
            case .module(let number, _) where modules.indices.contains(number):
                try Self.fill(modules[number], piece, memory)
            case .module: throw .truncated(piece.name)
            case .bytes(let bytes):
                do throws(GuestMemoryError) { try memory.write(bytes.span, at: GuestAddress(piece.address)) } catch {
                    throw .larger(size: piece.memorySize, thanRoom: 0)
                }
            }
        }
    }

    /// Reads straight into guest memory.
    private static func fill(
        _ image: ImageReader, _ piece: Piece, _ memory: GuestMemory
    ) throws(ImageError) {
        var failure: ImageError?
        do throws(GuestMemoryError) {
            let count = Int(truncatingIfNeeded: piece.fileSize)
            try memory.withMutableBytes(at: GuestAddress(piece.address), count: count) { bytes in
                do throws(ImageError) {
                    try image.read(at: piece.fileOffset, into: &bytes, part: piece.name)
                } catch {
                    failure = error
                }
            }
        } catch {
            throw .larger(size: piece.fileSize, thanRoom: 0)
        }
        if let failure { throw failure }
    }
}
