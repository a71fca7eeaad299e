import DeviceModel
import Testing

@testable import VMM

@Suite("What a loader sees in an image")
struct ImageInspectionTests {
    private static func inspect(
        _ builder: ELFBuilder, mode: CPUMode? = nil, memorySize: UInt64 = 2 << 20
    ) throws -> ImageInspection {
        try ImageInspection(.bytes(builder.bytes), mode: mode, memorySize: memorySize)
    }

    @Test(
        "a flat image's plan is its mode's place",
        arguments: [
            (nil, .real, 0x7C00, 0x10_0000), (.real, .real, 0x7C00, 0x10_0000),
            (.protected, .protected, 0x10_0000, 0x10_1000), (.long, .long, 0x10_0000, 0x10_1000),
        ] as [(CPUMode?, CPUMode, UInt64, UInt64)])
    func flat(mode: CPUMode?, expected: CPUMode, place: UInt64, needed: UInt64) throws {
        let inspection = try ImageInspection(.bytes([1, 2, 3]), mode: mode)
        let piece = BootPlan.Piece(name: "contents", fileOffset: 0, fileSize: 3, address: place, memorySize: 3)
        #expect(inspection.outcome == .success(BootPlan(BootProtocol(expected, entry: place), pieces: [piece])))
        #expect(inspection.pieces == [piece])
        #expect(inspection.memoryNeeded == needed)
        #expect(inspection.format == .flat && !inspection.isFormatGiven && inspection.elf == nil)
        #expect(inspection.size == 3)
        #expect(inspection.name == "the image of 3 bytes in memory")
    }

    @Test("an ELF image's plan is made of its segments", arguments: [true, false])
    func elf(is64Bit: Bool) throws {
        var builder = ELFBuilder()
        builder.is64Bit = is64Bit
        builder.segments[0].memorySize = 0x1000
        builder.segments[0].virtualAddress = 0x8000_0000
        builder.segments.append(ELFBuilder.Segment(type: 4, content: []))
        builder.segments.append(ELFBuilder.Segment(physicalAddress: 0x1F_FFFF, content: [1]))
        builder.entry = 0x8000_0000
        let inspection = try Self.inspect(builder)
        let plan = try inspection.outcome.get()
        #expect(plan.mode == (is64Bit ? .long : .protected))
        #expect(plan.entry == 0x10_0000)
        #expect(plan.pieces == inspection.pieces)
        #expect(plan.pieces.map(\.name) == ["ELF segment 0", "ELF segment 2"])
        #expect(plan.pieces.map(\.address) == [0x10_0000, 0x1F_FFFF])
        #expect(plan.pieces.map(\.memorySize) == [0x1000, 1])
        #expect(inspection.memoryNeeded == 2 << 20)
        #expect(inspection.elf?.physicalEntry == 0x10_0000)
        let header = inspection.elf?.header
        #expect(header?.entry == 0x8000_0000)
        #expect(header?.fileClass.bitWidth == (is64Bit ? 64 : 32))
        #expect((header?.tableOffset, header?.tableEntrySize) == (is64Bit ? (64, 56) : (52, 32)))
        #expect((header?.type, header?.machine, header?.tableCount) == (2, is64Bit ? 62 : 3, 3))
    }

    @Test("what stands behind the first fault is read, and the reason is the first")
    func readsOn() throws {
        var builder = ELFBuilder()
        (builder.machine, builder.type) = (183, 1)
        builder.segments.append(ELFBuilder.Segment(physicalAddress: .max, content: [1], memorySize: .max))
        let inspection = try Self.inspect(builder)
        #expect(
            inspection.outcome
                == .failure(.image(name: inspection.name, .elf(.wrongMachine(183, is64Bit: true)))))
        #expect(inspection.elf?.header?.type == 1)
        #expect(inspection.elf?.segments.map(\.physicalAddress) == [0x10_0000, .max])
        #expect(inspection.elf?.physicalEntry == 0x10_0000)
        #expect(inspection.memoryNeeded == nil)
        // The same with program headers that are not there.
        builder.tableOffset = .max
        let shorter = try Self.inspect(builder)
        #expect(shorter.outcome == inspection.outcome)
        #expect(shorter.elf?.segments == [])
        #expect(shorter.elf?.physicalEntry == nil)
    }

    @Test("an ELF image with a mode is a wrong wish, and is read all the same")
    func modeOfELF() throws {
        let inspection = try Self.inspect(ELFBuilder(), mode: .long)
        #expect(
            inspection.outcome
                == .failure(
                    .configuration(
                        "an ELF image says its own mode; leave the mode out, or take it as a flat image")))
        #expect(inspection.elf?.fault == nil)
        #expect(inspection.pieces.count == 1)
    }

    @Test("RAM that no machine has is an error, and so is an image that cannot be read")
    func errors() {
        #expect(throws: VMMError.configuration("1 bytes of memory are too few; a machine needs at least 1M")) {
            _ = try ImageInspection(.bytes([0]), memorySize: 1)
        }
        #expect(throws: VMMError.image(name: "the image of 0 bytes in memory", .empty)) {
            _ = try ImageInspection(.bytes([]))
        }
    }

    @Test(
        "the least RAM that holds a place, in whole pages and 1 MiB at least",
        arguments: [
            (0, 0, 1 << 20), (0, 1 << 20, 1 << 20), (0x10_0000, 1, 0x10_1000), (0x10_0FFF, 1, 0x10_1000),
            (0x10_0FFF, 2, 0x10_2000), (0xBFFF_FFFF, 1, 0xC000_0000), (0xBFFF_FFFF, 2, nil), (0xC000_0000, 1, nil),
            (0xFFFF_FFFF, 1, nil), (0x1000, 0x1_0000_0000, nil), (0x1_0000_0000, 1, 0xC000_1000),
            (0x1_0000_0000, 0x4000_0000, 0x1_0000_0000), ((1 << 52) - 1, 1, (1 << 52) - (1 << 30)),
            ((1 << 52) - 1, 2, nil), (.max, 0, nil), (.max, 1, nil), (1, .max, nil),
        ] as [(UInt64, UInt64, UInt64?)])
    func memoryNeeded(start: UInt64, count: UInt64, needed: UInt64?) throws {
        #expect(MemoryMap.size(holding: start, count: count) == needed)
        // It is the least: what is a page smaller does not hold it, and this does.
        guard let needed, count > 0 else { return }
        for (size, holds) in [(needed, true), (needed - 4096, false)] where size >= MemoryMap.smallest {
            let layout = try MemoryMap(size: size, physicalAddressBits: HighMemory.widestAddress)
            let regions = layout.regions
            #expect(regions.contains { $0.contains(GuestAddress(start), count: count) } == holds, "\(size)")
        }
    }
}
