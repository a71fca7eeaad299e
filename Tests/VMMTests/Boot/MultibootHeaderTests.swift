import KVM
import Testing

@testable import VMM

/// Multiboot Specification 0.6.96, section 3.1, and Multiboot2 Specification 2.0, section 3.1.
@Suite("Multiboot headers")
struct MultibootHeaderTests {
    private static func plan(_ bytes: [UInt8], memorySize: UInt64 = 2 << 20) throws -> BootPlan {
        try ImageInspection(.bytes(bytes), memorySize: memorySize).outcome.get()
    }

    private static func elf(_ header: [UInt8], is64Bit: Bool = true, at address: UInt64 = 0x10_0000) -> ELFBuilder {
        var builder = ELFBuilder()
        builder.is64Bit = is64Bit
        builder.entry = address
        builder.segments[0].virtualAddress = address
        builder.segments[0].physicalAddress = address
        builder.segments[0].content = header + [0xF4]
        return builder
    }

    @Test("the first version's is found at each multiple of 4 in the first 8 KiB, and nowhere else")
    func place1() throws {
        let header = LoaderSeed.multibootHeader(flags: 3)
        for (offset, isFound) in [(0, true), (4, true), (6, false), (8180, true), (8184, false), (8192, false)] {
            let bytes = [UInt8](repeating: 0x90, count: offset) + header + [UInt8](repeating: 0, count: 64)
            #expect(try ImageInspection(.bytes(bytes)).multiboot?.offset == (isFound ? offset : nil), "\(offset)")
        }
    }

    @Test("the second version's is found at each multiple of 8 in the first 32 KiB, and all of it has to be there")
    func place2() throws {
        let header = LoaderSeed.multiboot2Header([])
        for (offset, isFound) in [(0, true), (8, true), (4, false), (32744, true), (32752, false), (32768, false)] {
            let bytes = [UInt8](repeating: 0x90, count: offset) + header + [UInt8](repeating: 0, count: 64)
            #expect(try ImageInspection(.bytes(bytes)).multiboot2?.offset == (isFound ? offset : nil), "\(offset)")
        }
        let cut = [UInt8](repeating: 0x90, count: 32752) + header
        #expect(LoadedImage.refusal(of: cut) == .truncated("Multiboot 2 header"))
    }

    @Test("64-bit code in a 32-bit file is entered as any other, and without a header refused")
    func longModeIn32Bits() throws {
        var builder = Self.elf(LoaderSeed.multibootHeader(flags: 3), is64Bit: false)
        builder.machine = 62
        #expect(try Self.plan(builder.bytes).mode == .protected)
        builder.segments[0].content = [0xF4]
        #expect(LoadedImage.refusal(of: builder.bytes) == .elf(.wrongMachine(62, is64Bit: false)))
    }

    @Test("one whose numbers do not add up is none")
    func checksum() throws {
        for index in 0..<12 {
            var bytes = LoaderSeed.multibootHeader(flags: 3) + [UInt8](repeating: 0xF4, count: 16)
            bytes[index] ^= 1
            #expect(try ImageInspection(.bytes(bytes)).format == .flat)
        }
    }

    @Test(
        "a 32-bit and a 64-bit ELF file are entered in protected mode, by their program headers",
        arguments: [true, false])
    func entersELF(is64Bit: Bool) throws {
        let plan = try Self.plan(Self.elf(LoaderSeed.multibootHeader(flags: 3), is64Bit: is64Bit).bytes)
        #expect(plan.mode == .protected)
        #expect(plan.entry == 0x10_0000)
        #expect(plan.pieces.map(\.address) == [0x10_0000])
        let state = plan.entryState
        #expect(state.registers.rax == 0x2BAD_B002)
        #expect(state.entryViolation(physicalAddressBits: 36) == nil)
    }

    @Test("what is virtual at the entry is entered where it is loaded")
    func virtualEntry() throws {
        var builder = Self.elf(LoaderSeed.multibootHeader(flags: 3))
        builder.segments[0].virtualAddress = 0xFFFF_FFFF_8010_0000
        builder.entry = 0xFFFF_FFFF_8010_000C
        #expect(try Self.plan(builder.bytes).entry == 0x10_000C)
    }

    @Test("an image may lie anywhere in RAM but where the machine's tables are")
    func lowSegments() throws {
        let header = LoaderSeed.multibootHeader(flags: 3)
        for address in [0, 0x1000, 0x7C00, 0xFFFF, 0x9_F000, 0xD_FF00, 0xE_1000, 0xF_F000] as [UInt64] {
            #expect(try Self.plan(Self.elf(header, at: address).bytes).entry == address)
        }
        let tables: Range<UInt64> = 0xE_0000..<0xE_1000
        for address in [0xE_0000, 0xE_0FF0, 0xD_FFFF] as [UInt64] {
            #expect(
                LoadedImage.refusal(of: Self.elf(header, at: address).bytes)
                    == .elf(.segmentOverTables(0, start: address, tables: tables)))
        }
        // The same file as plain ELF has the tables of protected and long mode in its way.
        let low = Self.elf(header, at: 0x7C00).bytes
        #expect(
            LoadedImage.refusal(of: .bytes(low), format: .elf)
                == .elf(.segmentOverTables(0, start: 0x7C00, tables: 0..<0x1_0000)))
    }

    @Test("the addresses of a header win over ELF, and say what is loaded, and what is zero")
    func addresses() throws {
        let plan = try Self.plan(LoaderSeed.multibootAddresses.bytes)
        #expect(plan.entry == 0x10_0030)
        #expect(
            plan.pieces == [
                BootPlan.Piece(
                    name: "Multiboot image", fileOffset: 0, fileSize: 0x40, address: 0x10_0000, memorySize: 0x80)
            ])
        let header = LoaderSeed.multibootHeader(flags: 0x10003, [0x18_0078, 0x18_0000, 0, 0, 0x18_0000])
        let elf = Self.elf(header).bytes
        #expect(elf[120] == 0x02)
        #expect(try Self.plan(elf).pieces.map(\.address) == [0x18_0000])
    }

    /// header_addr, load_addr, load_end_addr, bss_end_addr and entry_addr for a header at 0x10 of 0x90 bytes.
    @Test(
        "wrong addresses are refused in words",
        arguments: [
            ([0x10_0010, 0x10_0011, 0, 0, 0x10_0020], .address("load_addr", 0x10_0011, "above header_addr")),
            (
                [0x10_0010, 0x0F_FFFF, 0, 0, 0x10_0020],
                .address("load_addr", 0x0F_FFFF, "before the file's first byte")
            ),
            (
                [0x10_0010, 0x10_0000, 0x10_0000, 0, 0x10_0020],
                .address("load_end_addr", 0x10_0000, "not above load_addr")
            ),
            ([0x10_0010, 0x10_0000, 1, 0, 0x10_0020], .address("load_end_addr", 1, "not above load_addr")),
            (
                [0x10_0010, 0x10_0000, 0x10_0040, 0x10_003F, 0x10_0020],
                .address("bss_end_addr", 0x10_003F, "inside what is loaded")
            ),
            (
                [0x10_0010, 0x10_0000, 0, 0x10_0040, 0x10_0020],
                .address("bss_end_addr", 0x10_0040, "inside what is loaded")
            ),
            ([0x10_0010, 0x10_0000, 0x10_0040, 1, 0x10_0020], .address("bss_end_addr", 1, "inside what is loaded")),
            ([0x10_0010, 0x10_0000, 0x10_0040, 0, 0x10_0040], .entryOutside(0x10_0040)),
            ([0x10_0010, 0x10_0000, 0x10_0040, 0, 0x0F_FFFF], .entryOutside(0x0F_FFFF)),
            ([0x10_0010, 0x10_0000, 0x10_0040, .max, 0x10_0000], .outsideRAM(start: 0x10_0000, size: 0xFFEF_FFFF)),
            ([0xFFFF_FFFF, 0xFFFF_FFEF, 0, 0, 0xFFFF_FFEF], .outsideRAM(start: 0xFFFF_FFEF, size: 0x90)),
            ([0xE_0FF0, 0xE_0FE0, 0, 0, 0xE_0FE0], .overTables(start: 0xE_0FE0, tables: 0xE_0000..<0xE_1000)),
        ] as [([UInt32], MultibootError)])
    func wrongAddresses(fields: [UInt32], reason: MultibootError) {
        let header = LoaderSeed.multibootHeader(flags: 0x10000, fields)
        var bytes = [UInt8](repeating: 0x90, count: 16) + header
        bytes += [UInt8](repeating: 0xF4, count: 0x90 - bytes.count)
        #expect(LoadedImage.refusal(of: bytes) == .multiboot(reason))
        #expect(!reason.description.isEmpty)
    }

    @Test("demands that nobody knows are refused, wishes are not", arguments: 0..<32)
    func flags(bit: UInt32) throws {
        let bytes = Self.elf(LoaderSeed.multibootHeader(flags: 1 << bit, [UInt32](repeating: 0, count: 9))).bytes
        switch bit {
        case 3..<16: #expect(LoadedImage.refusal(of: bytes) == .multiboot(.demands(1 << bit)))
        case 16: #expect(try Self.plan(bytes).entry == 0)
        default: #expect(try Self.plan(bytes).entry == 0x10_0000)
        }
    }

    @Test("without ELF there must be addresses, and with --format a header")
    func nothing() {
        let header = LoaderSeed.multibootHeader(flags: 3)
        #expect(LoadedImage.refusal(of: header + [0xF4]) == .multiboot(.noAddresses))
        let plain = ELFBuilder().bytes
        #expect(LoadedImage.refusal(of: .bytes(plain), format: .multiboot) == .multiboot(.noHeader(version: 1)))
        #expect(LoadedImage.refusal(of: .bytes(plain), format: .multiboot2) == .multiboot(.noHeader(version: 2)))
        #expect(LoadedImage.refusal(of: .bytes(plain), format: .pvh) == .elf(.noPVHNote))
        #expect(LoadedImage.refusal(of: .bytes([0xF4]), format: .pvh) != nil)
    }

    /// A tag's type, flags and content.
    private static let tagRows: [([(UInt16, UInt16, [UInt32])], MultibootError?)] = [
        ([], nil), ([(1, 0, [])], nil), ([(1, 0, Array(1...21))], nil), ([(1, 0, [22])], .unknownInformation(type: 22)),
        ([(1, 1, [22])], nil), ([(1, 0, [.max])], .unknownInformation(type: .max)),
        ([(11, 0, [])], .unknownTag(type: 11)), ([(11, 1, [])], nil),
        ([(0xFFFF, 0, [1, 2, 3])], .unknownTag(type: 0xFFFF)),
        ([(3, 0, [])], .brokenTag(type: 3, size: 8)), ([(3, 1, [])], .brokenTag(type: 3, size: 8)),
        ([(2, 0, [1, 2, 3])], .brokenTag(type: 2, size: 20)), ([(5, 0, [80, 25])], .brokenTag(type: 5, size: 16)),
        ([(4, 0, [])], .brokenTag(type: 4, size: 8)), ([(10, 0, [0, 0, 0])], .brokenTag(type: 10, size: 20)),
        ([(4, 0, [0])], nil), ([(4, 0, [2])], nil), ([(4, 0, [3])], nil), ([(4, 0, [1])], .needsGraphics),
        ([(4, 1, [1])], nil), ([(5, 0, [1024, 768, 32])], nil), ([(6, 0, [])], nil),
        ([(7, 0, [])], .needsEFI), ([(7, 1, [])], nil), ([(8, 0, [0x10_0000])], nil), ([(9, 0, [0x10_0000])], nil),
        ([(2, 0, [0x10_0000, 0x10_0000, 0, 0])], .noEntry),
        ([(2, 0, [0x10_0000, 0x10_0000, 0, 0]), (9, 0, [0x10_0000])], .needsEFI),
        ([(2, 0, [0x10_0000, 0x10_0000, 0, 0]), (8, 1, [0x10_0000])], .needsEFI),
        ([(2, 0, [0x10_0000, 0x10_0000, 0, 0]), (9, 0, [0]), (3, 0, [0x10_0004])], nil),
        ([(10, 0, [0x10_0000, .max, 3, 0])], .address("align", 3, "no power of 2")),
        ([(10, 0, [0x18_0000, 0x18_0008, 1, 0])], .noRoom(size: 0, lowest: 0x18_0000, highest: 0x18_0008)),
        ([(10, 0, [.max, 0, 1, 0])], .noRoom(size: 0, lowest: .max, highest: 0)),
        ([(10, 0, [0, 0x1000, 1, 1])], .noRoom(size: 0, lowest: 0, highest: 0x1000)),
        ([(10, 0, [0, 0xFFF, 1, 2])], .noRoom(size: 0, lowest: 0, highest: 0xFFF)),
        ([(10, 0, [0x9_FC00, 0xF_FFFF, 1, 0])], .noRoom(size: 0, lowest: 0x9_FC00, highest: 0xF_FFFF)),
    ]

    @Test("each tag of the second version is honoured or refused in words", arguments: 0..<tagRows.count)
    func tags(row: Int) throws {
        let (tags, reason) = Self.tagRows[row]
        let bytes = Self.elf(LoaderSeed.multiboot2Header(tags)).bytes
        var refusal = LoadedImage.refusal(of: bytes)
        // What it is too large for is told with its size.
        if case .multiboot(.noRoom(_, let lowest, let highest)) = refusal {
            refusal = .multiboot(.noRoom(size: 0, lowest: lowest, highest: highest))
        }
        #expect(refusal == reason.map { .multiboot($0) })
        guard reason == nil else { return }
        #expect(try Self.plan(bytes).entryState.registers.rax == 0x36D7_6289)
    }

    @Test("tags that end behind the header, or nowhere, are refused")
    func brokenTags() throws {
        for (offset, value) in [(20, 0), (20, 7), (20, .max), (20, 0x20)] as [(Int, UInt32)] {
            var header = LoaderSeed.multiboot2Header([(6, 0, [])])
            header.replaceSubrange(offset..<offset + 4, with: LoaderSeed.words([value]))
            #expect(LoadedImage.refusal(of: Self.elf(header).bytes) == .multiboot(.brokenTag(type: 6, size: value)))
        }
        var header = LoaderSeed.multiboot2Header([])
        let length: UInt32 = 0x7FFF_FFF0
        header.replaceSubrange(8..<16, with: LoaderSeed.words([length, 0 &- 0xE852_50D6 &- length]))
        #expect(LoadedImage.refusal(of: Self.elf(header).bytes) == .truncated("Multiboot 2 header"))
        header.replaceSubrange(4..<16, with: LoaderSeed.words([4, 24, 0 &- 0xE852_50D6 &- 28]))
        #expect(LoadedImage.refusal(of: Self.elf(header).bytes) == .multiboot(.architecture(4)))
    }

    @Test("the entry address of a tag wins over ELF's, and must be in what is loaded")
    func entryTag() throws {
        var builder = Self.elf(LoaderSeed.multiboot2Header([(3, 0, [0x10_0004])]))
        builder.entry = 0
        #expect(try Self.plan(builder.bytes).entry == 0x10_0004)
        let outside = Self.elf(LoaderSeed.multiboot2Header([(3, 0, [0x10_4000])])).bytes
        #expect(LoadedImage.refusal(of: outside) == .elf(.entryOutsideSegments(0x10_4000)))
    }

    @Test("an image without ELF may be loaded from its file's first byte on")
    func fromFirstByte() throws {
        let header = LoaderSeed.multiboot2Header([(2, 0, [0x10_0010, .max, 0, 0]), (3, 0, [0x10_0000])])
        let plan = try Self.plan([UInt8](repeating: 0x90, count: 16) + header)
        #expect(plan.pieces.map(\.address) == [0x10_0000])
        #expect(plan.pieces.map(\.fileSize) == [UInt64(16 + header.count)])
    }

    /// Where it is linked, what it says of where it may be, and where it goes.
    @Test(
        "one that may be moved goes where it prefers to be, and with no preference stays where it was linked if that is free",
        arguments: [
            (0x10_0000, [0, .max, 1, 0], 0x10_0000), (0x10_0000, [0x10_0000, .max, 0x1000, 2], 0x1F_F000),
            (0x8000_0000, [0, .max, 0x1000, 1], 0x10_0000), (0x8000_0000, [0, .max, 0x1000, 2], 0x1F_F000),
            (0x8000_0000, [0, .max, 0x1000, 0], 0x10_0000), (0x10_0000, [0, .max, 0x1000, 3], 0x10_0000),
            (0x8000_0000, [0x12_3456, .max, 0x1_0000, 0], 0x13_0000), (0xE_0000, [0, .max, 0x1000, 0], 0x10_0000),
            (0x10_0000, [0x18_0000, .max, 0x1000, 1], 0x18_0000), (0x18_0000, [0, 0x17_FFFF, 0x1000, 2], 0x17_F000),
            (0x10_0004, [0, .max, 0x1000, 0], 0x10_0000), (0x18_0000, [0, .max, 0x1000, 1], 0x10_0000),
            // Below 1 MiB where it may be nowhere else.
            (0x10_0000, [0, 0xF_FFFF, 0x1000, 0], 0x1000), (0x10_0000, [0, 0xF_FFFF, 0x1000, 1], 0x1000),
            (0x10_0000, [0x5001, 0x9_FFFF, 0x1000, 0], 0x6000), (0x10_0000, [0, 0x9_FBFF, 0x1000, 2], 0x9_F000),
            (0x10_0000, [0, 0xF_FFFF, 0x1_0000, 1], 0x1_0000), (0x7000, [0, 0xF_FFFF, 0x1000, 0], 0x7000),
        ] as [(UInt64, [UInt32], UInt64)])
    func relocatable(linked: UInt64, wish: [UInt32], place: UInt64) throws {
        let header = LoaderSeed.multiboot2Header([(10, 0, wish)])
        let plan = try Self.plan(Self.elf(header, at: linked).bytes)
        #expect(plan.pieces.map(\.address) == [place])
        #expect(plan.entry == place)
        guard case .multiboot2(let kernel) = plan.protocol else {
            Issue.record("\(plan.protocol)")
            return
        }
        #expect(kernel.loadBase == UInt32(place))
        // The same without ELF.
        let low = UInt32(truncatingIfNeeded: linked)
        let flat = LoaderSeed.multiboot2Header([(2, 0, [low, low, 0, 0]), (3, 0, [low]), (10, 0, wish)])
        #expect(try Self.plan(flat).pieces.map(\.address) == [place])
    }

    @Test("the kinds of image are looked for in their order, and a format that is given is insisted on")
    func order() throws {
        func format(_ bytes: [UInt8]) throws -> ImageFormat { try ImageInspection(.bytes(bytes)).format }
        let note = LoaderSeed.words([4, 4, 18]) + Array("Xen\0".utf8) + LoaderSeed.words([0x10_0000])
        let linux = LoaderSeed.words([6, 0, 1]) + Array("Linux\0\0\0".utf8)
        var builder = Self.elf(
            LoaderSeed.multibootHeader(flags: 3) + LoaderSeed.words([0]) + LoaderSeed.multiboot2Header([]))
        builder.segments.append(ELFBuilder.Segment(type: 4, content: note + linux))
        #expect(try format(builder.bytes) == .multiboot)
        builder.segments[0].content[0] = 0
        #expect(try format(builder.bytes) == .multiboot2)
        builder.segments[0].content = [0xF4]
        #expect(try format(builder.bytes) == .linux)
        builder.segments[1].content = note
        #expect(try format(builder.bytes) == .pvh)
        builder.segments[1].content = []
        #expect(try format(builder.bytes) == .elf)
        for seed in LoaderSeed.all where seed.format != .linux {
            #expect(try ImageInspection(.bytes(seed.bytes), format: .flat).format == .flat)
        }
    }
}
