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

        /// - Parameter shift: how far it is moved from where it was linked, in bytes, modulo 2^64.
        init(_ segment: ELFImage.Segment, shift: UInt64) {
            self.init(
                name: "ELF segment \(segment.number)", fileOffset: segment.fileOffset, fileSize: segment.fileSize,
                address: segment.physicalAddress &+ shift, memorySize: segment.memorySize)
        }

        /// The same elsewhere.
        func moved(by shift: UInt64) -> Piece {
            Piece(
                name: name, fileOffset: fileOffset, fileSize: fileSize, address: address &+ shift,
                memorySize: memorySize)
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
    /// What is changed in the image once it is loaded; nil for one that lies where it was linked.
    let relocations: ELFRelocations?

    public var mode: CPUMode { self.protocol.mode }
    public var entry: UInt64 { self.protocol.entry }
    /// The vCPU's registers at the first instruction.
    public var entryState: CPUState {
        let information = pieces.first { $0.name == BootInformation.pieceName }?.address ?? 0
        return self.protocol.entryState(information: information)
    }

    init(_ bootProtocol: BootProtocol, pieces: [Piece], relocations: ELFRelocations? = nil) {
        self.protocol = bootProtocol
        self.pieces = pieces
        self.relocations = relocations
    }

    /// For a boot sector, and what is behind it: only the first sector is loaded.
    init(bootSector size: UInt64) {
        let count = min(size, UInt64(BootSector.size))
        self.init(
            .bootSector(drive: BootSector.drive(ofImage: size)),
            pieces: [
                Piece(
                    name: "boot sector", fileOffset: 0, fileSize: count, address: LowMemory.realModeImage,
                    memorySize: UInt64(BootSector.size))
            ])
    }

    /// What a file says is checked here against the machine's RAM.
    ///
    /// - Parameters:
    ///   - shift: how far the image is moved from where it would lie otherwise, in bytes, modulo 2^64.
    ///   - entry: guest-physical; nil for the file's own.
    ///   - boot: gives the protocol for the guest-physical address of the entry.
    init(
        _ elf: ELFImage, ram: [GuestMemory.Region], shift: UInt64 = 0, entry: UInt64? = nil,
        as boot: (CPUMode, UInt64) -> BootProtocol = BootProtocol.init(_:entry:)
    ) throws(ImageError) {
        if let fault = elf.fault { throw fault }
        // Without a fault there is a header.
        guard let header = elf.header else { throw .truncated("ELF header") }
        let shift = elf.bias &+ shift
        let pieces = elf.segments.map { Piece($0, shift: shift) }
        let place: UInt64
        if let entry {
            guard pieces.contains(where: { entry &- $0.address < $0.memorySize }) else {
                throw .elf(.entryOutsideSegments(entry))
            }
            place = entry
        } else {
            guard let linked = elf.linkedPhysicalEntry else { throw .elf(.entryOutsideSegments(header.entry)) }
            place = linked &+ shift
        }
        guard place < HighMemory.mappedEnd else { throw .elf(.entryNotMapped(place)) }
        let bootProtocol = boot(header.fileClass.mode, place)
        // Only protocols that enter every kernel in the same mode know what it is.
        if header.isLongModeIn32Bits, !bootProtocol.followsBIOS {
            throw .elf(.wrongMachine(header.machine, is64Bit: false))
        }
        for (segment, piece) in zip(elf.segments, pieces) {
            let start = piece.address
            if bootProtocol.tables.contains(start) {
                throw .elf(.segmentOverTables(segment.number, start: start, tables: bootProtocol.tables))
            }
            guard ram.contains(where: { $0.contains(GuestAddress(start), count: piece.memorySize) }) else {
                throw .elf(.segmentOutsideRAM(segment.number, start: start, size: piece.memorySize))
            }
            // It lies in RAM, and so it does not wrap.
            if bootProtocol.tables.overlaps(start..<start &+ piece.memorySize) {
                throw .elf(.segmentOverTables(segment.number, start: start, tables: bootProtocol.tables))
            }
        }
        self.init(bootProtocol, pieces: pieces, relocations: elf.relocations?.moved(by: shift))
    }

    /// What of it lies in the place of a table.
    func part(over table: Piece) -> Piece? {
        // Its pieces lie in RAM, and so their ends do not wrap.
        pieces.first { $0.address < table.address + table.memorySize && table.address < $0.address &+ $0.memorySize }
    }

    /// The same with what the machine adds: modules, and the tables that the protocol wants.
    func adding(_ more: [Piece]) -> BootPlan {
        BootPlan(self.protocol, pieces: pieces + more, relocations: relocations)
    }

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
        if let relocations {
            do throws(GuestMemoryError) { try relocations.apply(in: memory) } catch {
                throw .elf(.relocationOutside)
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
