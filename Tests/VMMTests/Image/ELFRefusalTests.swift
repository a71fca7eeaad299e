import Testing

@testable import VMM

/// Every way in which an ELF file can be wrong, each spoiling one thing of a right one.
@Suite("ELF images that are refused")
struct ELFRefusalTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let reason: ELFError
        let builder: ELFBuilder

        init(_ description: String, _ reason: ELFError, _ spoil: (inout ELFBuilder) -> Void) {
            testDescription = description
            self.reason = reason
            var builder = ELFBuilder()
            spoil(&builder)
            self.builder = builder
        }
    }

    private static let headers: [Row] = [
        Row("class 0", .unknownClass(0)) { $0.fileClass = 0 },
        Row("class 3", .unknownClass(3)) { $0.fileClass = 3 },
        Row("big-endian", .notLittleEndian(2)) { $0.encoding = 2 },
        Row("no encoding", .notLittleEndian(0)) { $0.encoding = 0 },
        Row("ARM, 64-bit", .wrongMachine(183, is64Bit: true)) { $0.machine = 183 },
        Row("i386 in a 64-bit file", .wrongMachine(3, is64Bit: true)) { $0.machine = 3 },
        Row("x86-64 in a 32-bit file", .wrongMachine(62, is64Bit: false)) { ($0.is64Bit, $0.machine) = (false, 62) },
        Row("ARM, 32-bit", .wrongMachine(40, is64Bit: false)) { ($0.is64Bit, $0.machine) = (false, 40) },
        Row("an object file", .notExecutable(type: 1)) { $0.type = 1 },
        Row("a core dump", .notExecutable(type: 4)) { $0.type = 4 },
        Row("no program header", .noSegments) { $0.count = 0 },
        Row("257 program headers", .tooManySegments(257)) { $0.count = 257 },
        Row("65,535 program headers", .tooManySegments(65_535)) { $0.count = 0xFFFF },
        Row("program headers of 55 bytes", .badHeaderSize(55)) { $0.entrySize = 55 },
        Row("program headers of no size", .badHeaderSize(0)) { $0.entrySize = 0 },
        Row("program headers of 31 bytes, 32-bit", .badHeaderSize(31)) { ($0.is64Bit, $0.entrySize) = (false, 31) },
        Row("nothing to load", .noSegments) { $0.segments[0].type = 4 },
        Row("only segments without size", .noSegments) { $0.segments[0].content = [] },
    ]

    private static let segments: [Row] = [
        Row("larger in the file", .fileSizeOverMemorySize(segment: 0)) {
            $0.segments[0].content = [1, 2]
            $0.segments[0].memorySize = 1
        },
        Row("larger in the file, of a file of no such size", .fileSizeOverMemorySize(segment: 0)) {
            $0.segments[0].fileSize = .max
        },
        Row("nothing in memory", .fileSizeOverMemorySize(segment: 0)) { $0.segments[0].memorySize = 0 },
        Row("wraps around", .segmentWraps(0)) {
            $0.segments[0].physicalAddress = 0xFFFF_FFFF_FFFF_F000
            $0.segments[0].memorySize = 0x1001
        },
        Row("wraps around by all of it", .segmentWraps(0)) { $0.segments[0].memorySize = .max },
        Row("the same place twice", .segmentsOverlap(0, 1)) { $0.segments.append($0.segments[0]) },
        Row("one byte in common", .segmentsOverlap(0, 2)) {
            $0.segments[0].physicalAddress = 0x10_1000
            $0.segments.append(ELFBuilder.Segment(physicalAddress: 0x18_0000))
            $0.segments.append(ELFBuilder.Segment(physicalAddress: 0x10_0000, memorySize: 0x1001))
        },
        Row("one inside another, a third between them in the file", .segmentsOverlap(0, 2)) {
            $0.segments[0].memorySize = 0x1_0000
            $0.segments.append(ELFBuilder.Segment(physicalAddress: 0x1_0000))
            $0.segments.append(ELFBuilder.Segment(physicalAddress: 0x10_8000))
        },
    ]

    private static let places: [Row] = [
        Row("beyond RAM", .segmentOutsideRAM(0, start: 0x20_0000, size: 1)) {
            $0.segments[0].physicalAddress = 0x20_0000
        },
        Row("one byte beyond RAM", .segmentOutsideRAM(0, start: 0x10_0000, size: 0x10_0001)) {
            $0.segments[0].memorySize = 0x10_0001
        },
        Row("in the hole below 4 GiB", .segmentOutsideRAM(0, start: 0xC000_0000, size: 1)) {
            $0.segments[0].physicalAddress = 0xC000_0000
        },
        Row("at the end of the address space", .segmentOutsideRAM(1, start: .max, size: 1)) {
            $0.segments.append(ELFBuilder.Segment(physicalAddress: .max))
        },
        Row("over the first table", .segmentOverTables(0, start: 0x1000, tables: 0..<0x1_0000)) {
            $0.segments[0].physicalAddress = 0x1000
        },
        Row("over the last table", .segmentOverTables(0, start: 0xFFFF, tables: 0..<0x1_0000)) {
            $0.segments[0].physicalAddress = 0xFFFF
        },
        Row("at address 0", .segmentOverTables(0, start: 0, tables: 0..<0x1_0000)) {
            $0.segments[0].physicalAddress = 0
        },
        Row("an entry nowhere", .entryOutsideSegments(0x20_0000)) { $0.entry = 0x20_0000 },
        Row("an entry one before", .entryOutsideSegments(0x0F_FFFF)) { $0.entry = 0x0F_FFFF },
        Row("an entry one behind", .entryOutsideSegments(0x10_0001)) { $0.entry = 0x10_0001 },
        Row("an entry in a segment without size", .entryOutsideSegments(0x18_0000)) {
            $0.segments.append(ELFBuilder.Segment(virtualAddress: 0x18_0000, physicalAddress: 0x18_0000, content: []))
            $0.entry = 0x18_0000
        },
        Row("an entry above 4 GiB", .entryNotMapped(0x1_0000_0000)) {
            $0.segments[0].physicalAddress = 0x1_0000_0000
        },
    ]

    @Test("a file with one thing wrong is refused for that", arguments: headers + segments + places)
    func refused(row: Row) {
        #expect(LoadedImage.refusal(of: row.builder.bytes) == .elf(row.reason))
    }

    @Test("a file is refused for the reason that it has with more RAM too", arguments: [4 << 30, 5 << 30] as [UInt64])
    func entryAboveFourGigabytes(size: UInt64) {
        var builder = ELFBuilder()
        builder.segments[0].physicalAddress = 0x1_0000_0000
        #expect(LoadedImage.refusal(of: builder.bytes, memorySize: size) == .elf(.entryNotMapped(0x1_0000_0000)))
    }

    @Test("nothing is written when a later segment is refused")
    func writesNothing() throws {
        var builder = ELFBuilder()
        builder.segments.append(ELFBuilder.Segment(physicalAddress: 0x20_0000))
        let memory = try GuestRAM.make(2 << 20).memory
        #expect(throws: VMMError.self) {
            _ = try LoadedImage.load(.bytes(builder.bytes), into: memory)
        }
        #expect(memory.load(1, at: 0x10_0000) == [0])
    }

    @Test("a file cut short is refused, wherever the cut is", arguments: [true, false])
    func truncated(is64Bit: Bool) {
        var builder = ELFBuilder()
        builder.is64Bit = is64Bit
        builder.segments[0].content = [1, 2, 3, 4]
        let bytes = builder.bytes
        let headerEnd = is64Bit ? 64 : 52
        let tableEnd = headerEnd + (is64Bit ? 56 : 32)
        for count in 4..<bytes.count {
            let part =
                count < headerEnd ? "ELF header" : count < tableEnd ? "ELF program headers" : "ELF segment 0"
            #expect(LoadedImage.refusal(of: Array(bytes.prefix(count))) == .truncated(part), "\(count) bytes")
        }
        #expect(LoadedImage.refusal(of: bytes) == nil)
    }

    @Test("program headers that the file does not hold are refused, wherever they are said to be")
    func tableOutsideFile() {
        for offset in [1_000, .max, .max - 55, 1 << 63] as [UInt64] {
            var builder = ELFBuilder()
            builder.tableOffset = offset
            #expect(LoadedImage.refusal(of: builder.bytes) == .truncated("ELF program headers"))
        }
        var builder = ELFBuilder()
        (builder.count, builder.entrySize) = (256, 0xFFFF)
        #expect(LoadedImage.refusal(of: builder.bytes) == .truncated("ELF program headers"))
    }

    @Test("a segment's content that the file does not hold is refused, wherever it is said to be")
    func contentOutsideFile() {
        for offset in [121, .max, .max - 1, 1 << 63] as [UInt64] {
            var builder = ELFBuilder()
            builder.segments[0].fileOffset = offset
            #expect(LoadedImage.refusal(of: builder.bytes) == .truncated("ELF segment 0"))
        }
        var builder = ELFBuilder()
        (builder.segments[0].fileSize, builder.segments[0].memorySize) = (.max, .max)
        #expect(LoadedImage.refusal(of: builder.bytes) == .truncated("ELF segment 0"))
    }
}
