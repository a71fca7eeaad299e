import KVM
import Testing

@testable import VMM

@Suite("Descriptor and page tables")
struct BootTableTests {
    // Intel SDM vol. 3A figure 3-8: 0x..9B is present, ring 0, execute/read, accessed; 0x..93 read/write, accessed. 0xA is
    // page granularity and 64-bit, 0xC page granularity and 32-bit. Section 8.2.3: 0x8B is present and a busy TSS.
    @Test("long mode's descriptors are 64-bit code, data and a busy task, each where its selector points")
    func longDescriptors() {
        #expect(
            BootDescriptorTable.descriptors(for: .long) == [
                0, 0x00AF_9B00_0000_FFFF, 0x00AF_9B00_0000_FFFF, 0x00CF_9300_0000_FFFF, 0x0000_8B00_2000_0067, 0,
            ])
        #expect(BootDescriptorTable.codeSelector == 0x10)
        #expect(BootDescriptorTable.dataSelector == 0x18)
        #expect(BootDescriptorTable.taskSelector == 0x20)
        #expect(BootDescriptorTable.limit == 0x2F)
    }

    @Test("protected mode's code is 32-bit")
    func protectedDescriptors() {
        #expect(
            BootDescriptorTable.descriptors(for: .protected) == [
                0, 0x00CF_9B00_0000_FFFF, 0x00CF_9B00_0000_FFFF, 0x00CF_9300_0000_FFFF, 0x0000_8B00_2000_0067, 0,
            ])
    }

    // Intel SDM vol. 3A tables 4-15 to 4-18: bit 0 present, 1 writable, 2 user, 7 large page.
    @Test("the first 4 GiB are mapped to themselves, writable and open to ring 3 at every level")
    func pageTables() {
        let words = BootPageTables.words
        #expect(words.count == 6 * 512)
        #expect(words[0] == 0x9007)
        #expect(words[1..<512].allSatisfy { $0 == 0 })
        #expect(Array(words[512..<516]) == [0xA007, 0xB007, 0xC007, 0xD007])
        #expect(words[516..<1024].allSatisfy { $0 == 0 })
        #expect(words[1024] == 0x87)
        #expect(words[1025] == 0x20_0087)
        #expect(words[1024 + 512] == 0x4000_0087)
        #expect(words[3071] == 0xFFE0_0087)
        for (page, word) in words[1024...].enumerated() { #expect(word == UInt64(page) * 0x20_0000 + 0x87) }
    }

    // Intel SDM vol. 3A figures 8-2 and 8-11: the map's offset is the word at 0x66; one that is past the limit means no map.
    @Test(
        "the task-state segment has no map of ports, its offset past the limit, and in long mode a stack for exceptions"
    )
    func taskState() throws {
        let ram = try GuestRAM.make(1 << 20)
        let information = BootInformation(memoryMap: [], commandLine: "")
        for boot in [BootProtocol.protectedMode(entry: 0x100000), .longMode(entry: 0x100000)] {
            let pieces = try BootTables.pieces(for: boot, information)
            try BootPlan(boot, pieces: pieces).load(from: try ImageReader(.bytes([0])), into: ram.memory)
            let segment = try #require(ram.memory.load(Int(BootDescriptorTable.taskLimit) + 1, at: 0x2000))
            #expect(segment[0x66...] == [0x68, 0])
            // Figure 9-11: the first of the interrupt stacks.
            var expected = [UInt8](repeating: 0, count: 0x66)
            if boot.mode == .long { expected[0x25] = 0x30 }
            #expect(Array(segment[..<0x66]) == expected)
        }
    }

    /// Walks the tables as a processor does (Intel SDM vol. 3A section 4.5.4).
    @Test(
        "a walk from CR3 ends at the same address, for every place in the first 4 GiB, and nowhere above",
        arguments: [
            (0, 0), (0x7C00, 0x7C00), (0x1F_FFFF, 0x1F_FFFF), (0xBFFF_FFFF, 0xBFFF_FFFF), (0xFFFF_FFFF, 0xFFFF_FFFF),
            (0x1_0000_0000, nil), (0x80_0000_0000, nil), (0x7FFF_FFFF_F000, nil),
        ] as [(UInt64, UInt64?)])
    func walk(linear: UInt64, physical: UInt64?) throws {
        let ram = try GuestRAM.make(1 << 20)
        let information = BootInformation(memoryMap: [], commandLine: "")
        try BootTables.write(for: .long, information, into: ram.memory)
        var table = CPUState.long(entry: 0, bootParameters: 0).special.cr3
        for shift in [39, 30] as [UInt64] {
            let entry = try #require(Self.word(ram, at: table + (linear >> shift & 511) * 8))
            guard entry & 1 != 0 else {
                #expect(physical == nil)
                return
            }
            #expect(entry & 0xFFF == 7)
            table = entry & ~0xFFF
        }
        let entry = try #require(Self.word(ram, at: table + (linear >> 21 & 511) * 8))
        #expect(entry & 0xFFF == 0x87)
        #expect(entry & ~0x1F_FFFF | linear & 0x1F_FFFF == physical)
    }

    private static func word(_ ram: GuestRAM, at address: UInt64) -> UInt64? {
        ram.memory.load(8, at: address)?.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
