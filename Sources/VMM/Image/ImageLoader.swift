import DeviceModel

/// Puts an image into guest memory and says how to enter it.
struct ImageLoader {
    /// What an image asks of the machine.
    struct Loaded: Equatable {
        let mode: CPUMode
        /// Guest-physical address of the first instruction.
        let entry: UInt64
    }

    let memory: GuestMemory

    /// - Parameters:
    ///   - format: nil to go by the image's content.
    ///   - mode: for flat images, which cannot say it themselves; nil for real mode.
    func load(_ source: ImageSource, format: ImageFormat?, mode: CPUMode?) throws(VMMError) -> Loaded {
        do throws(ImageError) {
            let image = try ImageReader(source)
            let detected: ImageFormat
            if let format { detected = format } else { detected = try .detect(image) }
            if detected == .flat { return try loadFlat(image, mode ?? .real) }
            if mode == nil { return try loadELF(image) }
        } catch {
            throw .image(name: source.name, error)
        }
        throw .configuration("an ELF image says its own mode; leave --mode out, or take it as it is with --format flat")
    }

    private func loadFlat(_ image: borrowing ImageReader, _ mode: CPUMode) throws(ImageError) -> Loaded {
        let address = mode == .real ? LowMemory.realModeImage : LowMemory.flatImage
        let ramEnd = memory.regions.first.map { $0.start.rawValue + $0.size } ?? 0
        let room = ramEnd > address ? ramEnd - address : 0
        guard image.size <= room else { throw .larger(size: image.size, thanRoom: room) }
        try fill(image, fileOffset: 0, count: image.size, at: address, part: "contents")
        return Loaded(mode: mode, entry: address)
    }

    private func loadELF(_ image: borrowing ImageReader) throws(ImageError) -> Loaded {
        let elf = try ELFImage(reading: image)
        let entry = try elf.physicalEntry()
        guard entry < LowMemory.mappedEnd else { throw .elf(.entryNotMapped(entry)) }
        for segment in elf.segments {
            let start = segment.physicalAddress
            guard start >= LowMemory.tablesEnd else { throw .elf(.segmentOverTables(segment.number, start: start)) }
            guard memory.contains(GuestAddress(start), count: segment.memorySize) else {
                throw .elf(.segmentOutsideRAM(segment.number, start: start, size: segment.memorySize))
            }
        }
        for segment in elf.segments where segment.fileSize > 0 {
            try fill(
                image, fileOffset: segment.fileOffset, count: segment.fileSize, at: segment.physicalAddress,
                part: "ELF segment \(segment.number)")
        }
        return Loaded(mode: elf.is64Bit ? .long : .protected, entry: entry)
    }

    /// Reads straight into guest memory. The caller has checked that the bytes are in the file and the place in RAM.
    private func fill(
        _ image: borrowing ImageReader, fileOffset: UInt64, count: UInt64, at address: UInt64, part: String
    ) throws(ImageError) {
        var failure: ImageError?
        do throws(GuestMemoryError) {
            try memory.withMutableBytes(at: GuestAddress(address), count: Int(count)) { bytes in
                do throws(ImageError) {
                    try image.read(at: fileOffset, into: &bytes, part: part)
                } catch {
                    failure = error
                }
            }
        } catch {
            throw .larger(size: count, thanRoom: 0)
        }
        if let failure { throw failure }
    }
}
