import Testing

@testable import VMM

@Suite("ELF images that boot")
struct ELFLoadTests {
    @Test("a 64-bit file is entered in long mode, a 32-bit one in protected mode", arguments: [true, false])
    func modes(is64Bit: Bool) throws {
        var builder = ELFBuilder()
        builder.is64Bit = is64Bit
        builder.segments[0].content = [0x11, 0x22, 0x33]
        let image = try LoadedImage(builder.bytes)
        #expect(image.loaded.mode == (is64Bit ? .long : .protected))
        #expect(image.loaded.entry == 0x10_0000)
        #expect(image.memory.load(4, at: 0x10_0000) == [0x11, 0x22, 0x33, 0])
    }

    @Test("what is larger in memory than in the file is zero at its end", arguments: [true, false])
    func zeroes(is64Bit: Bool) throws {
        var builder = ELFBuilder()
        builder.is64Bit = is64Bit
        builder.segments[0].content = [0x11, 0x22]
        builder.segments[0].memorySize = 0x1000
        let image = try LoadedImage(builder.bytes + [0xEE, 0xEE, 0xEE])
        #expect(image.memory.load(0x1000, at: 0x10_0000) == [0x11, 0x22] + [UInt8](repeating: 0, count: 0xFFE))
    }

    @Test("several segments go to their physical addresses, in any order")
    func segments() throws {
        var builder = ELFBuilder()
        builder.segments = [
            ELFBuilder.Segment(virtualAddress: 0x18_0000, physicalAddress: 0x18_0000, content: [3]),
            ELFBuilder.Segment(virtualAddress: 0x10_0000, physicalAddress: 0x10_0000, content: [1]),
            // One right behind the other is no overlap.
            ELFBuilder.Segment(virtualAddress: 0x10_0001, physicalAddress: 0x10_0001, content: [2]),
            ELFBuilder.Segment(virtualAddress: 0x1_0000, physicalAddress: 0x1_0000, content: [4]),
        ]
        let image = try LoadedImage(builder.bytes)
        #expect(image.memory.load(3, at: 0x10_0000) == [1, 2, 0])
        #expect(image.memory.load(1, at: 0x18_0000) == [3])
        #expect(image.memory.load(1, at: 0x1_0000) == [4])
    }

    @Test("a segment may end with the last byte of RAM")
    func endOfRAM() throws {
        var builder = ELFBuilder()
        builder.segments[0].physicalAddress = 0x1F_F000
        builder.segments[0].content = [UInt8](repeating: 0xAB, count: 0x1000)
        let image = try LoadedImage(builder.bytes)
        #expect(image.loaded.entry == 0x1F_F000)
        #expect(image.memory.load(1, at: 0x1F_FFFF) == [0xAB])
    }

    @Test("a segment may lie above 4 GiB, where RAM is, as long as the entry does not")
    func highSegment() throws {
        var builder = ELFBuilder()
        builder.segments.append(
            ELFBuilder.Segment(virtualAddress: 0x1_0000_0000, physicalAddress: 0x1_0000_0000, content: [0x77]))
        let image = try LoadedImage(builder.bytes, memorySize: 4 << 30)
        #expect(image.memory.load(1, at: 0x1_0000_0000) == [0x77])
    }

    @Test("what is not PT_LOAD, and segments without size, are left out")
    func ignored() throws {
        var builder = ELFBuilder()
        // PT_NOTE and PT_GNU_STACK with fields that no segment could have, and empty segments over everything.
        builder.segments += [
            ELFBuilder.Segment(type: 4, physicalAddress: .max, content: [], fileSize: .max, memorySize: 1),
            ELFBuilder.Segment(type: 0x6474_E551, physicalAddress: 0, content: [], memorySize: .max),
            ELFBuilder.Segment(physicalAddress: 0, content: []),
            ELFBuilder.Segment(physicalAddress: .max, content: [], fileOffset: .max),
            ELFBuilder.Segment(physicalAddress: 0x10_0000, content: []),
        ]
        let image = try LoadedImage(builder.bytes)
        #expect(image.memory.load(1, at: 0x10_0000) == [0xF4])
        let elf = ELFImage(reading: try ImageReader(.bytes(builder.bytes)))
        #expect(elf.segments.map(\.number) == [0])
    }

    @Test("program headers may be longer than this program knows, and anywhere in the file")
    func longHeaders() throws {
        var builder = ELFBuilder()
        builder.segments = [
            ELFBuilder.Segment(virtualAddress: 0x10_0000, physicalAddress: 0x10_0000, content: [], fileSize: 4)
        ]
        builder.entrySize = 64
        builder.tableOffset = 0x100
        builder.segments[0].memorySize = 4
        builder.segments[0].fileOffset = 0x80
        // The table moves to 0x100, with eight bytes more than it needs; the content is at 0x80.
        var bytes = builder.bytes
        let table = Array(bytes[64..<64 + 56])
        bytes = bytes.prefix(64) + [UInt8](repeating: 0, count: 0xC0) + table + [UInt8](repeating: 0xFF, count: 8)
        bytes.replaceSubrange(0x80..<0x84, with: [1, 2, 3, 4])
        let image = try LoadedImage(bytes)
        #expect(image.memory.load(4, at: 0x10_0000) == [1, 2, 3, 4])
    }

    @Test("an entry inside a segment's virtual range is its physical place")
    func virtualEntry() throws {
        var builder = ELFBuilder()
        builder.segments[0].virtualAddress = 0xFFFF_FFFF_8000_0000
        builder.segments[0].content = [UInt8](repeating: 0x90, count: 0x100)
        builder.entry = 0xFFFF_FFFF_8000_0080
        #expect(try LoadedImage(builder.bytes).loaded.entry == 0x10_0080)
    }

    @Test("an entry that is no virtual address but a physical one is taken as it is")
    func physicalEntry() throws {
        var builder = ELFBuilder()
        builder.segments[0].virtualAddress = 0xFFFF_FFFF_8000_0000
        builder.segments[0].content = [UInt8](repeating: 0x90, count: 0x100)
        builder.entry = 0x10_0040
        #expect(try LoadedImage(builder.bytes).loaded.entry == 0x10_0040)
    }

    @Test("where both could be meant, the entry is virtual, as the file format has it")
    func ambiguousEntry() throws {
        var builder = ELFBuilder()
        builder.segments = [
            ELFBuilder.Segment(
                virtualAddress: 0x18_0000, physicalAddress: 0x10_0000, content: [UInt8](repeating: 1, count: 0x100)),
            ELFBuilder.Segment(
                virtualAddress: 0x10_0000, physicalAddress: 0x18_0000, content: [UInt8](repeating: 2, count: 0x100)),
        ]
        builder.entry = 0x10_0010
        #expect(try LoadedImage(builder.bytes).loaded.entry == 0x18_0010)
    }

    @Test("each field of a segment is read from its place")
    func fields() throws {
        var builder = ELFBuilder()
        builder.is64Bit = false
        builder.entry = 0x10_0001
        builder.segments[0].content = [0x90, 0xF4]
        let elf = ELFImage(reading: try ImageReader(.bytes(builder.bytes)))
        #expect(elf.header?.fileClass == .elf32)
        #expect(elf.header?.entry == 0x10_0001)
        #expect(
            elf.segments == [
                ELFImage.Segment(
                    number: 0, flags: [.readable, .writable, .executable], fileOffset: 52 + 32, fileSize: 2,
                    virtualAddress: 0x10_0000, physicalAddress: 0x10_0000, memorySize: 2, alignment: 0x1000)
            ])
    }
}
