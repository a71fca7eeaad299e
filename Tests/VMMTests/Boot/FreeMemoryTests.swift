import Testing

@testable import VMM

@Suite("Room in guest memory")
struct FreeMemoryTests {
    private static func memory(_ size: UInt64 = 8 << 20, _ pieces: [(UInt64, UInt64)] = []) throws -> FreeMemory {
        try FreeMemory(
            MemoryMap(size: size, physicalAddressBits: 46),
            without: pieces.map {
                BootPlan.Piece(name: "", fileOffset: 0, fileSize: 0, address: $0.0, memorySize: $0.1)
            })
    }

    @Test("the highest room is as high as it fits, at a multiple of the alignment")
    func highest() throws {
        var free = try Self.memory()
        #expect(free.take(1, .highest(below: .max)) == 0x7F_F000)
        #expect(free.take(0x1001, .highest(below: .max)) == 0x7F_D000)
        #expect(free.take(0x10, .highest(below: 0x9FC00), alignment: 16) == 0x9FBF0)
        #expect(free.take(0x10, .highest(below: 0x1_0010), alignment: 16) == 0x1_0000)
        #expect(free.take(0x10, .highest(below: 0x1_0010), alignment: 16) == nil)
    }

    @Test("the lowest room is as low as it fits, and below 4 GiB")
    func lowest() throws {
        var free = try Self.memory(5 << 30, [(0x10_0000, 0x1234)])
        #expect(free.take(1, .lowest(from: 0x10_0000)) == 0x10_2000)
        #expect(free.take(1, .lowest(from: 0)) == 0x1_0000)
        #expect(free.take(3 << 30, .lowest(from: 0)) == nil)
        #expect(free.take(1 << 30, .lowest(from: 0), alignment: 1 << 30) == 1 << 30)
        #expect(free.take(.max, .lowest(from: 0)) == nil)
        #expect(free.take(1, .lowest(from: .max)) == nil)
    }

    @Test("what is behind the image is behind all of it, and elsewhere only where there is no room")
    func behindImage() throws {
        var free = try Self.memory(8 << 20, [(0x20_0000, 0x1000), (0x60_0000, 0x10_0001)])
        #expect(free.take(0x1000, .behindImage) == 0x70_1000)
        #expect(free.take(0x10_0000, .behindImage) == 0x10_0000)
        // There is nothing behind an image that fills RAM.
        var full = try Self.memory(8 << 20, [(0x20_0000, 0x60_0000)])
        #expect(full.take(0x1000, .behindImage) == 0x10_0000)
    }

    @Test("nothing is given twice, and all of it once")
    func once() throws {
        var free = try Self.memory(2 << 20)
        var pages: Set<UInt64> = []
        while let page = free.take(0x1000, pages.count % 2 == 0 ? .highest(below: .max) : .lowest(from: 0)) {
            #expect(pages.insert(page).inserted && page % 0x1000 == 0)
        }
        // From 0x10000 to 0x9F000, and the second MiB.
        #expect(pages.count == 0x8F + 0x100)
        #expect(!free.contains(0x10_0000, size: 1))
    }
}
