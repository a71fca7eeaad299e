import Testing

@testable import VMM

@Suite("ELF images that can be loaded anywhere")
struct PositionIndependentTests {
    private static func longs(_ values: [UInt64]) -> [UInt8] { LoaderSeed.longs(values) }

    @Test("one that is linked at 0 is loaded where flat images are, and its addresses are changed")
    func relocated() throws {
        let image = try LoadedImage(LoaderSeed.pie.bytes)
        #expect(image.loaded.entry == 0x10_0000)
        #expect(image.memory.load(16, at: 0x10_0020) == Self.longs([0x10_0123, 0x10_0028]))
        // What lies beside them is as it was.
        #expect(image.memory.load(16, at: 0x10_0030) == Self.longs([0, 0]))
    }

    @Test("a 32-bit one has the addresses in place")
    func relocated32() throws {
        let image = try LoadedImage(LoaderSeed.pie32.bytes)
        #expect(image.loaded.mode == .protected)
        #expect(image.memory.load(16, at: 0x10_0020) == LoaderSeed.words([0x10_0111, 0, 0x10_0222, 0]))
    }

    @Test("one that is linked from 1 MiB on stays there")
    func linkedHigh() throws {
        let table = Self.longs([0x18_0020, 8, 0x18_0123])
        let seed = LoaderSeed.positionIndependent(
            is64Bit: true, table: table, dynamic: Self.longs([7, 0x18_0040, 8, 24, 9, 24, 0, 0]), base: 0x18_0000)
        let image = try LoadedImage(seed.bytes)
        #expect(image.loaded.entry == 0x18_0000)
        #expect(image.memory.load(8, at: 0x18_0020) == Self.longs([0x18_0123]))
    }

    @Test("it goes to a multiple of its alignment", arguments: [0, 1, 0x1000, 0x20_0000, 1 << 30] as [UInt64])
    func alignment(alignment: UInt64) throws {
        let seed = LoaderSeed.positionIndependent(is64Bit: true, table: [], dynamic: [], alignment: alignment)
        let outcome = try ImageInspection(.bytes(seed.bytes), memorySize: 2 << 30).outcome
        #expect(try outcome.get().entry == max(0x10_0000, alignment))
    }

    /// What is wrong, the dynamic section, and the table at 0x40.
    private static let rows: [(ELFError, [UInt64], [UInt64])] = [
        (.needsDynamicLinker, [1, 1], []),
        (.relocationKind("37"), [7, 0x40, 8, 24, 9, 24], [0x20, 37, 0]),
        (.relocationKind("1"), [7, 0x40, 8, 24, 9, 24], [0x20, 5 << 32 | 1, 0]),
        (.relocationKind("RELR"), [36, 0x40, 35, 8, 37, 8], [0x20, 0, 0]),
        (.relocationKind("REL"), [17, 0x40, 18, 16, 19, 16], [0x20, 8, 0]),
        (.relocationKind("PLT"), [23, 0x40, 2, 24, 20, 7], [0x20, 7, 0]),
        (.relocationOutside, [7, 0x40, 8, 24, 9, 24], [0x1F9, 8, 0]),
        (.relocationOutside, [7, 0x40, 8, 24, 9, 24], [.max, 8, 0]),
        (.relocationOutside, [7, 0x40, 8, 24, 9, 24], [0x10_0020, 8, 0]),
        (.badDynamicSection("DT_RELA"), [7, 0x40, 8, 24, 9, 16], [0x20, 8, 0]),
        (.badDynamicSection("DT_RELA"), [7, 0x40, 8, 25, 9, 24], [0x20, 8, 0]),
        (.badDynamicSection("DT_RELA"), [8, 24, 9, 24], [0x20, 8, 0]),
        (.badDynamicSection("DT_RELA"), [7, 0x48, 8, 24, 9, 24], [0x20, 8, 0]),
        (.badDynamicSection("DT_RELA"), [7, .max, 8, 24, 9, 24], [0x20, 8, 0]),
        (.badDynamicSection("DT_RELA"), [7, 0x40, 8, 24 << 32, 9, 24], [0x20, 8, 0]),
    ]

    @Test("what cannot be changed is refused in words", arguments: rows)
    func refused(reason: ELFError, dynamic: [UInt64], table: [UInt64]) {
        let seed = LoaderSeed.positionIndependent(
            is64Bit: true, table: Self.longs(table), dynamic: Self.longs(dynamic + [0, 0]))
        #expect(LoadedImage.refusal(of: seed.bytes) == .elf(reason))
    }

    @Test("one with a dynamic linker, or with an alignment that is none, is refused")
    func refusedHeaders() {
        var builder = ELFBuilder()
        builder.type = 3
        builder.segments.append(ELFBuilder.Segment(type: 3, content: Array("/lib/ld.so\0".utf8)))
        #expect(LoadedImage.refusal(of: builder.bytes) == .elf(.needsDynamicLinker))
        for alignment in [3, 0x1001, 1 << 31, .max] as [UInt64] {
            let seed = LoaderSeed.positionIndependent(is64Bit: true, table: [], dynamic: [], alignment: alignment)
            #expect(LoadedImage.refusal(of: seed.bytes) == .elf(.badAlignment(segment: 0, alignment)))
        }
    }

    @Test("as many relocations as kernels have are made, and more than a million refused")
    func many() throws {
        for (count, isRefused) in [(50_000, false), ((1 << 20) + 1, true)] {
            var table = [UInt8](repeating: 0, count: count * 24)
            for index in 0..<count {
                // All of them change one word.
                table[index * 24] = 0x20
                table[index * 24 + 8] = 8
            }
            var builder = ELFBuilder()
            builder.type = 3
            builder.entry = 0
            let dynamic = Self.longs([7, 0x1000, 8, UInt64(table.count), 9, 24, 0, 0])
            builder.segments = [
                ELFBuilder.Segment(virtualAddress: 0, physicalAddress: 0, content: [UInt8](repeating: 0, count: 0x40)),
                ELFBuilder.Segment(virtualAddress: 0x1000, physicalAddress: 0x1000, content: table),
                ELFBuilder.Segment(type: 2, content: dynamic),
            ]
            let refusal = LoadedImage.refusal(of: builder.bytes, memorySize: 64 << 20)
            #expect(refusal == (isRefused ? .elf(.tooManyRelocations(UInt64(count))) : nil))
        }
    }
}
