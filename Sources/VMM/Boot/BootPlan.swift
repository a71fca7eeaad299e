import DeviceModel

/// How a guest is entered, and what the entry depends on. It decides the first state of the vCPU, the interrupt controllers that the guest
/// gets unless told otherwise, and which tables are written.
public enum BootProtocol: Equatable, Sendable {
    /// Like a boot sector: 16-bit code in segment 0.
    case realMode(entry: UInt16)
    /// 32-bit code with flat segments and no paging.
    case protectedMode(entry: UInt32)
    /// 64-bit code with the first 4 GiB mapped to themselves, by Linux's 64-bit boot protocol.
    case longMode(entry: UInt64)

    init(_ mode: CPUMode, entry: UInt64) {
        self =
            switch mode {
            case .real: .realMode(entry: UInt16(truncatingIfNeeded: entry))
            case .protected: .protectedMode(entry: UInt32(truncatingIfNeeded: entry))
            case .long: .longMode(entry: entry)
            }
    }

    /// The mode that the guest is entered in.
    public var mode: CPUMode {
        switch self {
        case .realMode: .real
        case .protectedMode: .protected
        case .longMode: .long
        }
    }

    /// Guest-physical address of the first instruction.
    public var entry: UInt64 {
        switch self {
        case .realMode(let entry): UInt64(entry)
        case .protectedMode(let entry): UInt64(entry)
        case .longMode(let entry): entry
        }
    }

    /// The vCPU's registers at the first instruction.
    public var entryState: CPUState {
        switch self {
        case .realMode(let entry): .real(entry: entry)
        case .protectedMode(let entry): .protected(entry: entry)
        case .longMode(let entry): .long(entry: entry, bootParameters: LowMemory.bootParameters)
        }
    }

    /// What a machine with so many vCPUs has where nobody asks for anything else. Who starts others looks for a PC's timer.
    func interruptControllers(vcpuCount: Int) -> InterruptControllers { vcpuCount > 1 ? .full : .none }
}

/// How a guest is booted: the protocol, and every byte that is placed for it.
public struct BootPlan: Equatable, Sendable {
    /// Bytes that go to one place, and the zeros behind them.
    public struct Piece: Equatable, Sendable {
        public enum Content: Equatable, Sendable {
            /// So many bytes of the image, from an offset on.
            case image(offset: UInt64, count: UInt64)
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
            case .image(_, let count): count
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
    init(_ elf: ELFImage, ram: [GuestMemory.Region]) throws(ImageError) {
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
        self.init(BootProtocol(header.fileClass.mode, entry: entry), pieces: elf.segments.map { Piece($0) })
    }

    /// The same with the tables that the protocol wants.
    func adding(tables: [Piece]) -> BootPlan { BootPlan(self.protocol, pieces: pieces + tables) }

    /// Puts everything into guest memory. The plan has checked that the bytes are in the file and the place in RAM.
    func load(from image: borrowing ImageReader, into memory: GuestMemory) throws(ImageError) {
        for piece in pieces where piece.fileSize > 0 {
            switch piece.content {
            case .image: try Self.fill(image, piece, memory)
            case .bytes(let bytes):
                do throws(GuestMemoryError) { try memory.write(bytes.span, at: GuestAddress(piece.address)) } catch {
                    throw .larger(size: piece.memorySize, thanRoom: 0)
                }
            }
        }
    }

    /// Reads straight into guest memory.
    private static func fill(
        _ image: borrowing ImageReader, _ piece: Piece, _ memory: GuestMemory
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
