import DeviceModel

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
