/// What an ELF file says: its header and segments, as far as they can be read, and the first thing wrong with them as far as
/// that needs no machine (System V ABI, gABI 4.1, chapters 4 and 5). Every number in it comes from an untrusted file.
public struct ELFImage: Equatable, Sendable {
    static let magic: [UInt8] = [0x7F, 0x45, 0x4C, 0x46]
    /// More program headers than any kernel has.
    static let segmentLimit = 256

    /// A PT_LOAD segment. Offsets, addresses and sizes are in bytes.
    public struct Segment: Equatable, Sendable {
        /// `p_flags`: what a guest that makes page tables should allow there. Loading does not look at them.
        public struct Flags: OptionSet, Sendable {
            public let rawValue: UInt32

            public static let executable = Flags(rawValue: 1 << 0)
            public static let writable = Flags(rawValue: 1 << 1)
            public static let readable = Flags(rawValue: 1 << 2)

            public init(rawValue: UInt32) {
                self.rawValue = rawValue
            }
        }

        /// In the program header table, from 0.
        public let number: Int
        public let flags: Flags
        public let fileOffset: UInt64
        public let fileSize: UInt64
        public let virtualAddress: UInt64
        public let physicalAddress: UInt64
        public let memorySize: UInt64
        /// What the addresses are multiples of, but for the offset within it; 0 is as good as 1.
        public let alignment: UInt64

        /// How far into the segment an address is, counted from `start`; nil where it is outside.
        func offset(of address: UInt64, from start: UInt64) -> UInt64? {
            let (offset, below) = address.subtractingReportingOverflow(start)
            return !below && offset < memorySize ? offset : nil
        }
    }

    /// Nil where it cannot be read.
    public let header: ELFHeader?
    /// Those that take room in the file or in memory, in the file's order; none where they cannot be read.
    public let segments: [Segment]
    /// Those that can be read.
    public let notes: [ELFNote]
    /// How far the image is moved from where it was linked, in bytes, modulo 2^64: only one that can be loaded anywhere is.
    public let bias: UInt64
    /// How many words hold addresses that are changed for that.
    public var relocationCount: Int { relocations?.words.count ?? 0 }
    /// Nil where there are none.
    let relocations: ELFRelocations?
    /// The first thing that is wrong with the file, and why it cannot be booted on any machine; nil where nothing is.
    public let fault: ImageError?

    /// Reads on behind what is wrong, so that it can be shown what else the file says.
    init(reading image: ImageReader) {
        let header: ELFHeader
        do throws(ImageError) {
            header = try ELFHeader(reading: image)
        } catch {
            (self.header, segments, notes, fault) = (nil, [], [], error)
            (bias, relocations) = (0, nil)
            return
        }
        self.header = header
        let headerFault = header.fault.map { ImageError.elf($0) }
        let headers: [ProgramHeader]
        do throws(ImageError) {
            headers = try Self.programHeaders(of: header, in: image)
        } catch {
            (segments, notes, fault) = ([], [], headerFault ?? error)
            (bias, relocations) = (0, nil)
            return
        }
        segments = headers.filter { $0.type == 1 }.map(\.segment).filter { $0.memorySize > 0 || $0.fileSize > 0 }
        notes = headers.filter { $0.type == 4 }.flatMap { Self.notes(in: $0.segment, image) }
        do throws(ImageError) {
            bias = header.isPositionIndependent ? try Self.bias(of: segments) : 0
        } catch {
            (bias, relocations, fault) = (0, nil, headerFault ?? error)
            return
        }
        let firstFault = headerFault ?? Self.fault(in: segments, bias: bias, imageSize: image.size)
        guard header.isPositionIndependent, firstFault == nil else {
            (relocations, fault) = (nil, firstFault)
            return
        }
        do throws(ImageError) {
            // PT_INTERP names a dynamic linker.
            guard !headers.contains(where: { $0.type == 3 }) else { throw .elf(.needsDynamicLinker) }
            if let dynamic = headers.first(where: { $0.type == 2 }) {
                relocations = try ELFRelocations(header.fileClass, dynamic: dynamic.segment, segments, in: image)
            } else {
                relocations = nil
            }
            fault = nil
        } catch {
            (relocations, fault) = (nil, error)
        }
    }

    private typealias ProgramHeader = (type: UInt32, segment: Segment)

    /// How far an image that can be loaded anywhere is moved: not at all where its own addresses are those of a kernel, else to where flat
    /// images are.
    private static func bias(of segments: [Segment]) throws(ImageError) -> UInt64 {
        var alignment = MemoryMap.pageSize
        for segment in segments where segment.alignment > 1 {
            guard segment.alignment.nonzeroBitCount == 1, segment.alignment <= 1 << 30 else {
                throw .elf(.badAlignment(segment: segment.number, segment.alignment))
            }
            alignment = max(alignment, segment.alignment)
        }
        let lowest = segments.map(\.physicalAddress).min() ?? 0
        guard lowest < LowMemory.flatImage else { return 0 }
        let base = (LowMemory.flatImage &+ (alignment &- 1)) & ~(alignment &- 1)
        return base &- (lowest & ~(alignment &- 1))
    }

    /// All program headers, as the segments that they describe, with their types (`p_type`).
    private static func programHeaders(
        of header: ELFHeader, in image: ImageReader
    ) throws(ImageError) -> [ProgramHeader] {
        let (count, entrySize) = (Int(header.tableCount), Int(header.tableEntrySize))
        guard count > 0 else { throw .elf(.noSegments) }
        guard count <= segmentLimit else { throw .elf(.tooManySegments(count)) }
        guard entrySize >= header.fileClass.programHeaderSize else { throw .elf(.badHeaderSize(header.tableEntrySize)) }
        // 256 × 65,535 at most.
        let table = try image.bytes(at: header.tableOffset, count: count * entrySize, part: "ELF program headers")
        return (0..<count).map { number in
            let fields = ByteFields(table.dropFirst(number * entrySize).prefix(entrySize))
            return (fields.load(UInt32.self, at: 0) ?? 0, header.fileClass.segment(fields, number: number))
        }
    }

    /// None of a segment that is not in the file, or larger than notes are.
    private static func notes(in segment: Segment, _ image: ImageReader) -> [ELFNote] {
        guard segment.fileSize <= ELFNote.sizeLimit else { return [] }
        let bytes = try? image.bytes(at: segment.fileOffset, count: Int(segment.fileSize), part: "ELF notes")
        return ELFNote.parse((bytes ?? [])[...])
    }

    private static func fault(in segments: [Segment], bias: UInt64, imageSize: UInt64) -> ImageError? {
        for segment in segments {
            let number = segment.number
            guard segment.fileSize <= segment.memorySize else { return .elf(.fileSizeOverMemorySize(segment: number)) }
            guard segment.fileSize <= imageSize, segment.fileOffset <= imageSize &- segment.fileSize else {
                return .truncated("ELF segment \(number)")
            }
            // The size is not 0: one of the two is more, and it is the larger one.
            // The bias is no more than 2 GiB.
            let (end, wraps) = segment.physicalAddress.addingReportingOverflow(segment.memorySize &- 1)
            guard !wraps, !end.addingReportingOverflow(bias).overflow else { return .elf(.segmentWraps(number)) }
        }
        guard !segments.isEmpty else { return .elf(.noSegments) }
        let sorted = segments.sorted { $0.physicalAddress < $1.physicalAddress }
        for (lower, higher) in zip(sorted, sorted.dropFirst())
        where higher.physicalAddress &- lower.physicalAddress < lower.memorySize {
            return .elf(.segmentsOverlap(min(lower.number, higher.number), max(lower.number, higher.number)))
        }
        return nil
    }

    /// The guest-physical address of the first instruction; nil where it is in no segment.
    public var physicalEntry: UInt64? { linkedPhysicalEntry.map { $0 &+ bias } }

    /// The same for an image that is not moved: the entry's place in the segment whose virtual range holds it, or the entry itself where
    /// it is physical already, as Linux's is.
    var linkedPhysicalEntry: UInt64? {
        guard let entry = header?.entry else { return nil }
        for segment in segments {
            guard let offset = segment.offset(of: entry, from: segment.virtualAddress) else { continue }
            // Only a segment that wraps, and is refused for it, has an offset that does.
            let (place, wraps) = segment.physicalAddress.addingReportingOverflow(offset)
            return wraps ? nil : place
        }
        return segments.contains { $0.offset(of: entry, from: $0.physicalAddress) != nil } ? entry : nil
    }
}
