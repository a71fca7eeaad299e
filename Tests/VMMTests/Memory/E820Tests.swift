import DeviceModel
import Testing

@testable import VMM

@Suite("The memory map")
struct E820Tests {
    private static func map(_ size: UInt64) throws -> [E820Entry] {
        try MemoryMap(size: size, physicalAddressBits: 46).e820
    }

    /// The first megabyte is the same for all: tables, RAM, what a PC keeps for its BIOS, and between that nothing.
    private static let low: [E820Entry] = [
        E820Entry(start: 0, end: 0x1_0000, kind: .reserved),
        E820Entry(start: 0x1_0000, end: 0x9_FC00, kind: .usable),
        E820Entry(start: 0x9_FC00, end: 0xA_0000, kind: .reserved),
        E820Entry(start: 0xE_0000, end: 0x10_0000, kind: .reserved),
    ]

    /// KVM's real-mode TSS and identity map.
    private static let forKVM = E820Entry(start: 0xFFFB_C000, end: 0xFFFC_0000, kind: .reserved)

    @Test("the smallest machine has no RAM above 1 MiB")
    func smallest() throws {
        #expect(try Self.map(1 << 20) == Self.low + [Self.forKVM])
    }

    @Test("RAM from 1 MiB on is usable up to its end")
    func small() throws {
        let ram = E820Entry(start: 0x10_0000, end: 0x10_1000, kind: .usable)
        #expect(try Self.map(0x10_1000) == Self.low + [ram, Self.forKVM])
    }

    @Test("RAM above 4 GiB is a line of its own, behind what KVM keeps")
    func large() throws {
        #expect(
            try Self.map(5 << 30) == Self.low + [
                E820Entry(start: 0x10_0000, end: 0xC000_0000, kind: .usable), Self.forKVM,
                E820Entry(start: 0x1_0000_0000, end: 0x1_8000_0000, kind: .usable),
            ])
    }

    @Test(
        "lines are in order, do not overlap, and give no address away that is not RAM",
        arguments: [1 << 20, 0x10_1000, 64 << 20, 3 << 30, (3 << 30) + 4096, 4 << 30, 1 << 40] as [UInt64])
    func rules(size: UInt64) throws {
        let layout = try MemoryMap(size: size, physicalAddressBits: 46)
        for (lower, higher) in zip(layout.e820, layout.e820.dropFirst()) {
            #expect(lower.end <= higher.start)
        }
        for entry in layout.e820 {
            #expect(entry.start < entry.end)
            guard entry.kind == .usable else { continue }
            #expect(
                layout.slots.contains { part in
                    part.start.rawValue <= entry.start && entry.end <= part.start.rawValue + part.size
                })
        }
        let usable = layout.e820.filter { $0.kind == .usable }.reduce(0) { $0 + $1.end - $1.start }
        // All RAM but the tables' 64 KiB and what is kept below 1 MiB.
        #expect(usable == size - 0x1_0000 - (0x10_0000 - 0x9_FC00))
    }
}
