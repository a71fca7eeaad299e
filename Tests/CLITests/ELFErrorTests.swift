import TestSupport
import Testing

@Suite("ELF files that cannot be booted", .requiresAnyKVM)
struct ELFErrorTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    /// What is done to a good file, and what is said of it then.
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let image: [UInt8]
        let message: String

        init(_ fault: String, _ message: String, in good: TinyELF = TinyELF(), _ spoil: (inout TinyELF) -> Void) {
            var elf = good
            spoil(&elf)
            self.init(fault, message, elf.bytes)
        }

        init(_ fault: String, _ message: String, _ image: [UInt8]) {
            (testDescription, self.message, self.image) = (fault, message, image)
        }
    }

    static let rows = headers + segments + places

    private static let headers = [
        Row("cut off in its first bytes", "the file ends inside its ELF header", Array(TinyELF().bytes.prefix(10))),
        Row("cut off in its header", "the file ends inside its ELF header", Array(TinyELF().bytes.prefix(63))),
        Row(
            "cut off in its program headers", "the file ends inside its ELF program headers",
            Array(TinyELF().bytes.prefix(100))),
        Row("cut off in a segment", "the file ends inside its ELF segment 0", Array(TinyELF().bytes.dropLast())),
        Row(
            "cut off in a segment, 32-bit", "the file ends inside its ELF segment 0",
            Array(TinyELF.elf32.bytes.dropLast())),
        Row("for another machine", "it is for ELF machine 183 in a 64-bit file; build it for x86-64 (62)") {
            $0.machine = 183
        },
        Row("i386 code in a 64-bit file", "it is for ELF machine 3 in a 64-bit file; build it for x86-64 (62)") {
            $0.machine = 3
        },
        Row(
            "x86-64 code in a 32-bit file", "it is for ELF machine 62 in a 32-bit file; build it for i386 (3)",
            in: .elf32
        ) {
            $0.machine = 62
        },
        Row("of an unknown class", "its ELF class 3 is neither 32-bit (1) nor 64-bit (2); build it for i386 or x86-64")
        { $0.fileClass = 3 },
        Row("of class 0", "its ELF class 0 is neither 32-bit (1) nor 64-bit (2); build it for i386 or x86-64") {
            $0.fileClass = 0
        },
        Row("big-endian", "its ELF data encoding 2 is not little-endian (1); build it for i386 or x86-64") {
            $0.encoding = 2
        },
        Row("an object file", "its ELF type 1 is neither an executable with fixed addresses (2) nor one") {
            $0.type = 1
        },
        Row("with program headers that are too small", "its ELF program headers have 8 bytes each") {
            $0.headerSize = 8
        },
    ]

    private static let segments = [
        Row("without segments", "it has no ELF segment to load; link it as an executable") { $0.segments = [] },
        Row("with empty segments only", "it has no ELF segment to load; link it as an executable") {
            ($0.segments[0].fileSize, $0.segments[0].memorySize) = (0, 0)
        },
        Row("with more in the file than in memory", "ELF segment 0 is larger in the file than in memory; link it again")
        {
            $0.segments[0].memorySize = 7
        },
        Row("with an offset behind its end", "the file ends inside its ELF segment 0") {
            $0.segments[0].offset = .max
        },
        Row("with overlapping segments", "ELF segments 0 and 1 overlap in memory; link them apart") {
            $0.segments.append(.init(physicalAddress: 0x100007))
        },
        Row("with a segment around another", "ELF segments 0 and 1 overlap in memory; link them apart") {
            $0.segments.append(.init(physicalAddress: 0xFFFFF, memorySize: 100))
        },
        Row("with the same segment twice", "ELF segments 0 and 2 overlap in memory; link them apart") {
            $0.segments += [.init(physicalAddress: 0x200000), .init()]
        },
    ]

    private static let places = [
        Row(
            "with a segment behind RAM",
            "ELF segment 0, 8 bytes at 0x4000000, lies outside RAM; give more with --memory"
        ) {
            ($0.segments[0].physicalAddress, $0.entry) = (0x4000000, 0x4000000)
        },
        Row("with a segment half outside RAM", "ELF segment 0, 8 bytes at 0x3fffffc, lies outside RAM") {
            ($0.segments[0].physicalAddress, $0.entry) = (0x3FFFFFC, 0x3FFFFFC)
        },
        Row("with a segment larger than RAM", "ELF segment 0, 67108864 bytes at 0x100000, lies outside RAM") {
            $0.segments[0].memorySize = 64 << 20
        },
        Row("with a segment in the hole for devices", "ELF segment 0, 8 bytes at 0xc0000000, lies outside RAM") {
            ($0.segments[0].physicalAddress, $0.entry) = (0xC000_0000, 0xC000_0000)
        },
        Row(
            "with a segment over the end of all addresses",
            "ELF segment 0 runs over the end of the address space; link it lower"
        ) {
            $0.segments[0].physicalAddress = .max - 6
        },
        Row("with a segment over the boot tables", "ELF segment 0 at 0xfff8 lies over the boot tables below 0x10000") {
            ($0.segments[0].physicalAddress, $0.entry) = (0xFFF8, 0x100000)
        },
        Row(
            "with an entry outside",
            "its entry 0x100008 is outside every ELF segment; name the right entry symbol to the linker"
        ) { $0.entry = 0x100008 },
        Row(
            "with an entry at 0",
            "its entry 0x0 is outside every ELF segment; name the right entry symbol to the linker"
        ) { $0.entry = 0 },
        Row("with an entry above 4 GiB", "its entry 0x100000000 is above the first 4 GiB") {
            ($0.segments[0].physicalAddress, $0.entry) = (1 << 32, 1 << 32)
        },
    ]

    @Test("is refused with status 66, its name and the fault", arguments: rows)
    func refuses(row: Row) async throws {
        let outcome = try await scratch.swiftvmm(
            "run", try scratch.write(row.image, to: "guest.elf"), "--timeout", "10")
        #expect(outcome.status == 66, "\(outcome)")
        #expect(outcome.output == [])
        #expect(outcome.errors.hasPrefix("swiftvmm: cannot boot guest.elf: \(row.message)"), "\(outcome)")
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
    }

    @Test("the file that all these are made from runs, and so does one whose segment ends with the file and with RAM")
    func goodOnesRun() async throws {
        expectSuccess(try await scratch.swiftvmm("run", try scratch.write(TinyELF().bytes, to: "good.elf")), "E")
        var elf = TinyELF()
        (elf.segments[0].physicalAddress, elf.entry) = ((64 << 20) - 8, (64 << 20) - 8)
        expectSuccess(try await scratch.swiftvmm("run", try scratch.write(elf.bytes, to: "last.elf")), "E")
    }
}
