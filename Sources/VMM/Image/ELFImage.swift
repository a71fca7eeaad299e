/// What a loader takes from an ELF file: its segments and entry, read and checked as far as that needs no machine
/// (System V ABI, gABI 4.1, chapters 4 and 5). Every number in it comes from an untrusted file.
struct ELFImage: Equatable {
    static let magic: [UInt8] = [0x7F, 0x45, 0x4C, 0x46]
    /// More program headers than any kernel has.
    static let segmentLimit = 256

    /// A PT_LOAD segment.
    struct Segment: Equatable {
        /// In the program header table, from 0.
        let number: Int
        let fileOffset: UInt64
        let fileSize: UInt64
        let virtualAddress: UInt64
        let physicalAddress: UInt64
        let memorySize: UInt64
    }

    let is64Bit: Bool
    /// As the file says: usually virtual.
    let entry: UInt64
    /// Those that take memory, in the file's order.
    let segments: [Segment]

    init(reading image: borrowing ImageReader) throws(ImageError) {
        let identification = ByteFields(try image.bytes(at: 0, count: 16, part: "ELF header")[...])
        guard try image.prefix(Self.magic.count) == Self.magic else { throw .elf(.noMagicNumber) }
        let fileClass = identification.load(UInt8.self, at: 4) ?? 0
        guard fileClass == 1 || fileClass == 2 else { throw .elf(.unknownClass(fileClass)) }
        let encoding = identification.load(UInt8.self, at: 5) ?? 0
        guard encoding == 1 else { throw .elf(.notLittleEndian(encoding)) }
        is64Bit = fileClass == 2
        let header = ByteFields(try image.bytes(at: 0, count: is64Bit ? 64 : 52, part: "ELF header")[...])
        let format = is64Bit ? HeaderFormat.elf64 : .elf32

        let machine = header.load(UInt16.self, at: 18) ?? 0
        guard machine == (is64Bit ? 62 : 3) else { throw .elf(.wrongMachine(machine, is64Bit: is64Bit)) }
        let type = header.load(UInt16.self, at: 16) ?? 0
        guard type == 2 else { throw .elf(.notExecutable(type: type)) }
        entry = format.address(header, at: 24)

        let tableOffset = format.address(header, at: is64Bit ? 32 : 28)
        let entrySize = header.load(UInt16.self, at: is64Bit ? 54 : 42) ?? 0
        let count = Int(header.load(UInt16.self, at: is64Bit ? 56 : 44) ?? 0)
        guard count > 0 else { throw .elf(.noSegments) }
        guard count <= Self.segmentLimit else { throw .elf(.tooManySegments(count)) }
        guard Int(entrySize) >= format.programHeaderSize else { throw .elf(.badHeaderSize(entrySize)) }
        // 256 × 65,535 at most.
        let table = try image.bytes(at: tableOffset, count: count * Int(entrySize), part: "ELF program headers")
        segments = try Self.segments(in: table, count: count, entrySize: Int(entrySize), format, imageSize: image.size)
    }

    private static func segments(
        in table: [UInt8], count: Int, entrySize: Int, _ format: HeaderFormat, imageSize: UInt64
    ) throws(ImageError) -> [Segment] {
        var segments: [Segment] = []
        for number in 0..<count {
            let header = ByteFields(table[(number * entrySize)...].prefix(entrySize))
            guard header.load(UInt32.self, at: 0) == 1 else { continue }
            let segment = format.segment(header, number: number)
            guard segment.memorySize > 0 || segment.fileSize > 0 else { continue }
            guard segment.fileSize <= segment.memorySize else { throw .elf(.fileSizeOverMemorySize(segment: number)) }
            guard segment.fileSize <= imageSize, segment.fileOffset <= imageSize - segment.fileSize else {
                throw .truncated("ELF segment \(number)")
            }
            guard !segment.physicalAddress.addingReportingOverflow(segment.memorySize - 1).overflow else {
                throw .elf(.segmentWraps(number))
            }
            segments.append(segment)
        }
        guard !segments.isEmpty else { throw .elf(.noSegments) }
        try requireApart(segments)
        return segments
    }

    private static func requireApart(_ segments: [Segment]) throws(ImageError) {
        let sorted = segments.sorted { $0.physicalAddress < $1.physicalAddress }
        for (lower, higher) in zip(sorted, sorted.dropFirst())
        where higher.physicalAddress - lower.physicalAddress < lower.memorySize {
            throw .elf(.segmentsOverlap(min(lower.number, higher.number), max(lower.number, higher.number)))
        }
    }

    /// The guest-physical address of the first instruction: the entry's place in the segment whose virtual range holds it,
    /// or the entry itself where it is physical already, as Linux's is.
    func physicalEntry() throws(ImageError) -> UInt64 {
        for segment in segments {
            let (offset, below) = entry.subtractingReportingOverflow(segment.virtualAddress)
            if !below, offset < segment.memorySize { return segment.physicalAddress + offset }
        }
        for segment in segments {
            let (offset, below) = entry.subtractingReportingOverflow(segment.physicalAddress)
            if !below, offset < segment.memorySize { return entry }
        }
        throw .elf(.entryOutsideSegments(entry))
    }
}

/// The two layouts of the same headers (gABI figures 4-3 and 5-1).
private enum HeaderFormat {
    case elf32
    case elf64

    var programHeaderSize: Int { self == .elf64 ? 56 : 32 }

    /// An address or offset. The fields were read whole, so that one beyond them is a programmer's error and reads as 0.
    func address(_ fields: ByteFields, at offset: Int) -> UInt64 {
        switch self {
        case .elf32: UInt64(fields.load(UInt32.self, at: offset) ?? 0)
        case .elf64: fields.load(UInt64.self, at: offset) ?? 0
        }
    }

    func segment(_ header: ByteFields, number: Int) -> ELFImage.Segment {
        let word = self == .elf64 ? 8 : 4
        // p_offset, p_vaddr, p_paddr, p_filesz and p_memsz follow each other; in 64-bit files p_flags comes before them.
        return ELFImage.Segment(
            number: number,
            fileOffset: address(header, at: word),
            fileSize: address(header, at: word * 4),
            virtualAddress: address(header, at: word * 2),
            physicalAddress: address(header, at: word * 3),
            memorySize: address(header, at: word * 5))
    }
}
