import DeviceModel
import Testing

@testable import VMM

@Suite("Where RAM lies")
struct MemoryMapTests {
    private static func parts(of size: UInt64, bits: Int = 46) throws(VMMError) -> [MemoryMap.Slot] {
        try MemoryMap(size: size, physicalAddressBits: bits).slots
    }

    @Test(
        "up to 3 GiB it is one piece from 0",
        arguments: [1 << 20, 0x10_1000, 64 << 20, (3 << 30) - 4096, 3 << 30] as [UInt64])
    func onePart(size: UInt64) throws {
        #expect(try Self.parts(of: size) == [MemoryMap.Slot(start: GuestAddress(0), size: size, offset: 0)])
    }

    @Test(
        "of more, what is left lies from 4 GiB on",
        arguments: [((3 << 30) + 4096, 4096), (4 << 30, 1 << 30), (5 << 30, 2 << 30), (1 << 40, (1 << 40) - (3 << 30))]
            as [(UInt64, UInt64)])
    func twoParts(size: UInt64, high: UInt64) throws {
        #expect(
            try Self.parts(of: size) == [
                MemoryMap.Slot(start: GuestAddress(0), size: 0xC000_0000, offset: 0),
                MemoryMap.Slot(start: GuestAddress(0x1_0000_0000), size: high, offset: 0xC000_0000),
            ])
    }

    @Test("less than 1 MiB is refused", arguments: [0, 1, 4096, (1 << 20) - 1] as [UInt64])
    func tooSmall(size: UInt64) {
        #expect(throws: VMMError.configuration("\(size) bytes of memory are too few; a machine needs at least 1M")) {
            _ = try Self.parts(of: size)
        }
    }

    @Test("what is not whole pages is refused", arguments: [(1 << 20) + 1, (1 << 20) + 512, .max] as [UInt64])
    func unaligned(size: UInt64) {
        #expect(
            throws: VMMError.configuration(
                "\(size) bytes of memory are not whole pages of 4096 bytes; use a suffix: K, M, G or T")
        ) {
            _ = try Self.parts(of: size)
        }
    }

    /// The gigabyte of the hole takes addresses too: 36 bits are 64 GiB, of which 63 can be RAM.
    @Test(
        "RAM must end where the guest's physical addresses do",
        arguments: [(36, 63 << 30), (32, 3 << 30), (40, 1023 << 30), (52, (1 << 52) - (1 << 30))] as [(Int, UInt64)])
    func addressWidth(bits: Int, most: UInt64) throws {
        #expect(try Self.parts(of: most, bits: bits).reduce(0) { $0 + $1.size } == most)
        #expect(
            throws: VMMError.configuration(
                "\(most + 4096) bytes of memory do not fit the guest's \(bits)-bit physical addresses; use less")
        ) {
            _ = try Self.parts(of: most + 4096, bits: bits)
        }
    }

    @Test("sizes at the end of what 64 bits can name are refused, not wrapped around")
    func hugeSizes() {
        for size in [1 << 63, .max - 4095, .max - (1 << 30) + 1, .max - (1 << 30) - 4095] as [UInt64] {
            for bits in [36, 46, 52] {
                #expect(throws: VMMError.self) { _ = try Self.parts(of: size, bits: bits) }
            }
        }
    }

    @Test("with 64 bits of addresses, everything fits that can be counted")
    func widestAddresses() throws {
        #expect(try Self.parts(of: 1 << 62, bits: 64).count == 2)
        #expect(try Self.parts(of: 1 << 62, bits: 255).count == 2)
    }

    @Test("more than the host can map is refused in words")
    func hostLimit() throws {
        // More than 47 bits of user addresses.
        let layout = try MemoryMap(size: 1 << 50, physicalAddressBits: 52)
        #expect(
            throws: VMMError.configuration(
                "cannot map 1125899906842624 bytes of guest memory: Cannot allocate memory; use less")
        ) {
            _ = try GuestRAM(layout)
        }
    }

    @Test("the pieces of guest memory are where the layout says, and nothing is in the hole")
    func guestMemory() throws {
        let ram = try GuestRAM.make(5 << 30)
        let memory = ram.memory
        #expect(memory.regions.map(\.start) == [GuestAddress(0), GuestAddress(0x1_0000_0000)])
        #expect(memory.regions.map(\.size) == [3 << 30, 2 << 30])
        try memory.store(0x1122_3344 as UInt32, at: GuestAddress(0xBFFF_FFFC))
        try memory.store(0x5566_7788 as UInt32, at: GuestAddress(0x1_0000_0000))
        #expect(memory.load(4, at: 0xBFFF_FFFC) == [0x44, 0x33, 0x22, 0x11])
        #expect(memory.load(4, at: 0x1_0000_0000) == [0x88, 0x77, 0x66, 0x55])
        #expect(memory.load(4, at: 0xC000_0000) == nil)
        #expect(memory.load(4, at: 0xFFFF_FFFC) == nil)
        #expect(memory.load(1, at: 0x1_8000_0000) == nil)
    }
}
