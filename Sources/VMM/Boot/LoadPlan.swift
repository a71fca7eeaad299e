import DeviceModel

/// What a loader does with an image that can be booted.
public struct LoadPlan: Equatable, Sendable {
    /// Bytes of the image that go to one place, and the zeros behind them.
    public struct Piece: Equatable, Sendable {
        /// What messages call it.
        public let name: String
        /// In bytes from the image's start.
        public let fileOffset: UInt64
        /// In bytes, and so is `memorySize`; never more than that.
        public let fileSize: UInt64
        /// Guest-physical.
        public let address: UInt64
        /// What is more than `fileSize` is zero.
        public let memorySize: UInt64
    }

    /// The mode that the guest is entered in.
    public let mode: CPUMode
    /// Guest-physical address of the first instruction.
    public let entry: UInt64
    /// In the image's order; they lie in RAM and apart from each other.
    public let pieces: [Piece]
}

/// The plan for each format. What a file says is checked here against the machine's RAM.
extension LoadPlan {
    /// For a flat image of so many bytes, wherever RAM is.
    init(flat size: UInt64, mode: CPUMode) {
        let address = mode == .real ? LowMemory.realModeImage : LowMemory.flatImage
        self.init(
            mode: mode, entry: address,
            pieces: [Piece(name: "contents", fileOffset: 0, fileSize: size, address: address, memorySize: size)])
    }

    /// Itself, when a flat image's one piece lies in RAM.
    func flatChecked(against ram: [GuestMemory.Region]) throws(ImageError) -> LoadPlan {
        // Where it is loaded is in the first region, if anywhere.
        let (room, isBelow) = (ram.first?.size ?? 0).subtractingReportingOverflow(entry)
        for piece in pieces where isBelow || piece.memorySize > room {
            throw .larger(size: piece.memorySize, thanRoom: isBelow ? 0 : room)
        }
        return self
    }

    init(_ elf: ELFImage, ram: [GuestMemory.Region]) throws(ImageError) {
        if let fault = elf.fault { throw fault }
        // Without a fault there is a header.
        guard let header = elf.header else { throw .truncated("ELF header") }
        guard let entry = elf.physicalEntry else { throw .elf(.entryOutsideSegments(header.entry)) }
        guard entry < LowMemory.mappedEnd else { throw .elf(.entryNotMapped(entry)) }
        for segment in elf.segments {
            let start = segment.physicalAddress
            guard start >= LowMemory.tablesEnd else { throw .elf(.segmentOverTables(segment.number, start: start)) }
            guard ram.contains(where: { $0.contains(GuestAddress(start), count: segment.memorySize) }) else {
                throw .elf(.segmentOutsideRAM(segment.number, start: start, size: segment.memorySize))
            }
        }
        self.init(mode: header.fileClass.mode, entry: entry, pieces: elf.segments.map { Piece($0) })
    }
}

extension LoadPlan.Piece {
    init(_ segment: ELFImage.Segment) {
        self.init(
            name: "ELF segment \(segment.number)", fileOffset: segment.fileOffset, fileSize: segment.fileSize,
            address: segment.physicalAddress, memorySize: segment.memorySize)
    }
}

/// Puts an image into guest memory and says how to enter it.
struct ImageLoader {
    let memory: GuestMemory

    /// - Parameters:
    ///   - format: nil to go by the image's content.
    ///   - mode: for flat images, which cannot say it themselves; nil for real mode.
    func load(_ source: ImageSource, format: ImageFormat?, mode: CPUMode?) throws(VMMError) -> LoadPlan {
        let outcome: Result<LoadPlan, VMMError>
        do throws(ImageError) {
            let image = try ImageReader(source)
            outcome = try ImageInspection(
                image, name: source.name, format: format, mode: mode, ram: memory.regions
            ).outcome
            // Not before all of it is known to be right: a refused image leaves no trace.
            if case .success(let plan) = outcome {
                for piece in plan.pieces where piece.fileSize > 0 { try fill(image, piece) }
            }
        } catch {
            throw .image(name: source.name, error)
        }
        return try outcome.get()
    }

    /// Reads straight into guest memory. The plan has checked that the bytes are in the file and the place in RAM.
    private func fill(_ image: borrowing ImageReader, _ piece: LoadPlan.Piece) throws(ImageError) {
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
