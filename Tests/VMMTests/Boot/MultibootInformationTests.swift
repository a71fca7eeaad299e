import DeviceModel
import KVM
import Testing

@testable import VMM

/// What kernels are told, read as they read it: from guest memory, by the fields' offsets in the specifications.
@Suite("What Multiboot and PVH kernels are told")
struct MultibootInformationTests {
    /// A machine with two modules, its image and all that goes with it in memory.
    private struct Machine {
        let plan: MachinePlan
        let memory: GuestMemory
        var information: UInt64 { plan.boot.entryState.registers.rbx }

        init(_ bytes: [UInt8], memorySize: UInt64 = 8 << 20, commandLine: String = "one two") throws {
            var configuration = MachineConfiguration(image: .bytes(bytes))
            configuration.memorySize = memorySize
            configuration.commandLine = commandLine
            let modules: [[UInt8]] = [Array("first".utf8), [UInt8](repeating: 7, count: 5000)]
            configuration.modules = zip(modules, ["a b", ""]).map { BootModule(.bytes($0), arguments: $1) }
            let inspection = try ImageInspection(.bytes(bytes), memorySize: memorySize)
            plan = try MachinePlan(
                configuration, image: inspection, modules: [5, 5000],
                host: HostLimits(physicalAddressBits: 46, vcpuCount: 8))
            memory = try GuestRAM.make(memorySize).memory
            let readers = try modules.map { try ImageReader(.bytes($0)) }
            try plan.boot.load(from: try ImageReader(.bytes(bytes)), modules: readers, into: memory)
        }

        func word(_ address: UInt64) throws -> UInt64 {
            UInt64(try memory.load(UInt32.self, at: GuestAddress(address)))
        }

        func long(_ address: UInt64) throws -> UInt64 { try memory.load(UInt64.self, at: GuestAddress(address)) }

        func text(_ address: UInt64) throws -> String {
            var bytes: [UInt8] = []
            while let byte = try? memory.load(UInt8.self, at: GuestAddress(address + UInt64(bytes.count))), byte != 0 {
                bytes.append(byte)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// An ELF file with a header, a section of symbols and one of their names.
    private static func elfWithSections(
        _ header: [UInt8], linkedAt base: UInt64 = 0x10_0000, isPositionIndependent: Bool = false
    ) -> [UInt8] {
        var builder = ELFBuilder()
        builder.type = isPositionIndependent ? 3 : 2
        builder.entry = base
        builder.segments[0].virtualAddress = base
        builder.segments[0].physicalAddress = base
        builder.segments[0].content = header + [0xF4, 0, 0, 0, 0, 0, 0, 0]
        var bytes = builder.bytes
        bytes += [UInt8](repeating: 0, count: -bytes.count & 7)
        let symbols = bytes.count
        bytes += [UInt8](repeating: 0x55, count: 24) + Array("names".utf8) + [0, 0, 0]
        let table = bytes.count
        /// Name, type, flags, address, offset, size, link, information, alignment, entry size.
        func section(
            _ type: UInt64, _ address: UInt64, _ offset: Int, _ size: UInt64, flags: UInt64 = 0
        ) -> [UInt8] {
            LoaderSeed.longs([type << 32, flags, address, UInt64(offset), size, 0, 8, 0])
        }
        // SHF_ALLOC.
        bytes += section(0, 0, 0, 0) + section(1, base, 120, 8, flags: 2)
        bytes += section(2, 0, symbols, 24) + section(3, 0, symbols + 24, 5)
        bytes += section(8, 0, 0, 1 << 40) + section(1, 0, table, 1 << 40)
        bytes.replaceSubrange(40..<48, with: LoaderSeed.longs([UInt64(table)]))
        bytes.replaceSubrange(58..<64, with: [64, 0, 6, 0, 3, 0])
        return bytes
    }

    @Test("the first version: sizes, map, command line, loader, modules, screen, sections with the symbols")
    func version1() throws {
        let header = LoaderSeed.multibootHeader(flags: 7, [0, 0, 0, 0, 0, 1, 80, 25, 0])
        let machine = try Machine(Self.elfWithSections(header))
        let base = machine.information
        #expect(base >= 0x9_0000 && base < 0x9_FC00)
        #expect(try machine.word(base) == 0b1_0010_0110_1101)
        #expect(try machine.word(base + 4) == 0x9FC00 / 1024)
        #expect(try machine.word(base + 8) == 7 * 1024)
        #expect(try machine.text(machine.word(base + 16)) == "image one two")
        #expect(try machine.text(machine.word(base + 64)) == "swiftvmm")
        #expect(try machine.word(base + 20) == 2)
        let list = try machine.word(base + 24)
        let start = try machine.word(list)
        #expect(try machine.word(list + 4) == start + 5)
        #expect(try machine.text(machine.word(list + 8)) == "image a b")
        #expect(try machine.text(start) == "first")
        #expect(try machine.word(list + 16) == start + 0x1000 && start % 0x1000 == 0 && start > 0x10_0000)
        #expect(try machine.text(machine.word(list + 24)) == "image")
        var regions: [[UInt64]] = []
        var place = try machine.word(base + 48)
        let end = place + (try machine.word(base + 44))
        while place < end {
            regions.append([try machine.long(place + 4), try machine.long(place + 12), try machine.word(place + 20)])
            place += try machine.word(place) + 4
        }
        #expect(
            regions == [
                [0, 0x9FC00, 1], [0x9FC00, 0x400, 2], [0xE0000, 0x20000, 2], [0x10_0000, 0x70_0000, 1],
                [0xFFFB_C000, 0x4000, 2],
            ])
        #expect(try machine.long(base + 88) == 0xB8000)
        #expect(try [96, 100, 104].map { try machine.word(base + $0) } == [160, 80, 25])
        #expect(machine.memory.load(2, at: base + 108) == [16, 2])
        try expectSections(machine, count: 28, size: 32, table: machine.word(base + 36), names: 40, base: base)
    }

    private func expectSections(
        _ machine: Machine, count: UInt64, size: UInt64, table: UInt64, names: UInt64, base: UInt64
    ) throws {
        #expect(try [machine.word(base + count), machine.word(base + size), machine.word(base + names)] == [6, 64, 3])
        // What is loaded keeps its address; what is not there, or not in the file, has none.
        #expect(try machine.long(table + 64 + 16) == 0x10_0000)
        #expect(try machine.long(table + 4 * 64 + 16) == 0)
        #expect(try machine.long(table + 5 * 64 + 16) == 0)
        let symbols = try machine.long(table + 2 * 64 + 16)
        #expect(machine.memory.load(24, at: symbols) == [UInt8](repeating: 0x55, count: 24))
        #expect(try machine.text(machine.long(table + 3 * 64 + 16)) == "names")
    }

    @Test("the second version: each tag, at a multiple of 8, and the size of all")
    func version2() throws {
        let header = LoaderSeed.multiboot2Header([(5, 0, [80, 25, 0]), (10, 0, [0, .max, 1, 0])])
        let machine = try Machine(Self.elfWithSections(header))
        let base = machine.information
        var tags: [UInt64: [UInt64]] = [:]
        var place = base + 8
        while try machine.word(place) != 0 {
            #expect(place % 8 == 0)
            tags[try machine.word(place), default: []].append(place + 8)
            place += (try machine.word(place + 4) + 7) & ~7
        }
        #expect(try machine.word(place + 4) == 8)
        #expect(try machine.word(base) == place + 8 - base && machine.word(base + 4) == 0)
        #expect(Set(tags.keys) == [1, 2, 3, 4, 6, 8, 9, 14, 15, 21])
        #expect(try machine.memory.load(36, at: only(15)) == machine.memory.load(36, at: 0xE_1000))
        func only(_ type: UInt64) throws -> UInt64 {
            #expect(tags[type]?.count == (type == 3 ? 2 : 1))
            return try #require(tags[type]?.first)
        }
        #expect(try machine.text(only(1)) == "one two")
        #expect(try machine.text(only(2)) == "swiftvmm")
        let module = try only(3)
        #expect(try machine.text(machine.word(module)) == "first")
        #expect(try machine.word(module + 4) == machine.word(module) + 5)
        #expect(try machine.text(module + 8) == "a b")
        let memory = try only(4)
        #expect(try [machine.word(memory), machine.word(memory + 4)] == [0x9FC00 / 1024, 7 * 1024])
        let map = try only(6)
        #expect(try [machine.word(map), machine.word(map + 4), machine.word(map - 4)] == [24, 0, 16 + 5 * 24])
        #expect(try [machine.long(map + 80), machine.long(map + 88)] == [0x10_0000, 0x70_0000])
        let screen = try only(8)
        #expect(try machine.long(screen) == 0xB8000 && machine.word(screen - 4) == 32)
        #expect(machine.memory.load(2, at: screen + 20) == [16, 2])
        #expect(try machine.word(only(21)) == 0x10_0000)
        let sections = try only(9)
        try expectSections(machine, count: 0, size: 4, table: sections + 12, names: 8, base: sections)
    }

    @Test(
        "of an image that is relocated the sections are told where they lie; one that relocates itself has them as they were linked"
    )
    func movedSections() throws {
        let first = LoaderSeed.multibootHeader(flags: 3)
        let base = 0x20_0000 as UInt64
        func moved(_ header: [UInt8], linkedAt base: UInt64 = 0, isPositionIndependent: Bool = true) throws -> Machine {
            try Machine(
                Self.elfWithSections(header, linkedAt: base, isPositionIndependent: isPositionIndependent))
        }
        let relocated = try moved(first)
        #expect(relocated.plan.boot.entry == 0x10_0000)
        try expectSections(
            relocated, count: 28, size: 32, table: relocated.word(relocated.information + 36), names: 40,
            base: relocated.information)
        /// The address of the section that is loaded, by the second version.
        func place(_ machine: Machine) throws -> UInt64 {
            var tag = machine.information + 8
            while try machine.word(tag) != 9 { tag += (try machine.word(tag + 4) + 7) & ~7 }
            return try machine.long(tag + 8 + 12 + 64 + 16)
        }
        let second = LoaderSeed.multiboot2Header([(10, 0, [UInt32(base), .max, 0x1000, 1])])
        #expect(try place(try moved(second)) == base)
        #expect(try place(try moved(second, linkedAt: 0x30_0000)) == base)
        #expect(try place(try moved(second, linkedAt: 0x30_0000, isPositionIndependent: false)) == 0x30_0000)
    }

    @Test("what is not asked for, or not there, is not told")
    func less() throws {
        let machine = try Machine(LoaderSeed.multibootAddresses.bytes)
        #expect(try machine.word(machine.information) == 0b10_0100_1101)
        let second = try Machine(LoaderSeed.multiboot2Addresses.bytes)
        var types: [UInt64] = []
        var place = second.information + 8
        while try second.word(place) != 0 {
            types.append(try second.word(place))
            place += (try second.word(place + 4) + 7) & ~7
        }
        #expect(types == [1, 2, 3, 3, 4, 6, 14, 15])
    }

    @Test("the root pointer of ACPI is handed over as a copy, of both lengths", arguments: [0, 20, 36])
    func rsdp(size: Int) throws {
        let information = BootInformation(
            memoryMap: [], commandLine: "", rsdp: size > 0 ? 0xE_1000 : nil, rsdpBytes: Array(0..<UInt8(size)))
        let kernel = MultibootKernel(entry: 0, sections: nil, wantsFramebuffer: false, loadBase: nil)
        var free = FreeMemory(try MemoryMap(size: 2 << 20, physicalAddressBits: 36), without: [])
        let pieces = try Multiboot2Information.pieces(kernel, information, &free)
        guard case .bytes(let bytes)? = pieces.first?.content else { return }
        let old = LoaderSeed.words([14, 28]) + Array(0..<20)
        let new = LoaderSeed.words([15, 44]) + Array(0..<36)
        func holds(_ part: [UInt8]) -> Bool { bytes.indices.contains { bytes[$0...].starts(with: part) } }
        #expect(holds(old) == (size >= 20))
        #expect(holds(new) == (size >= 36))
    }

    @Test("PVH: start information of version 1, with a memory map, and the state that its specification has")
    func pvh() throws {
        let machine = try Machine(LoaderSeed.pvh.bytes)
        let base = machine.information
        #expect(try [machine.word(base), machine.word(base + 4), machine.word(base + 8)] == [0x336E_C578, 1, 0])
        #expect(try machine.word(base + 12) == 2)
        let list = try machine.long(base + 16)
        #expect(try machine.text(machine.long(list)) == "first")
        #expect(try machine.long(list + 8) == 5)
        #expect(try machine.text(machine.long(list + 16)) == "a b")
        #expect(try [machine.long(list + 32 + 8), machine.long(list + 32 + 16)] == [5000, 0])
        #expect(try machine.text(machine.long(base + 24)) == "one two")
        #expect(try machine.text(machine.long(base + 32)).hasPrefix("RSD PTR "))
        let map = try machine.long(base + 40)
        #expect(try machine.word(base + 48) == 5)
        #expect(
            try [machine.long(map + 72), machine.long(map + 80), machine.long(map + 88)] == [0x10_0000, 0x70_0000, 1])
        let state = machine.plan.boot.entryState
        #expect(state.special.cr0 == [.protectionEnable, .extensionType])
        #expect(state.special.cr4 == [])
        #expect(state.special.tr.base == 0 && state.special.tr.limit == 0x67)
        #expect(state.entryViolation(physicalAddressBits: 36) == nil)
    }

    @Test("all that is placed lies in RAM and apart, also where the image takes the low memory")
    func apart() throws {
        var builder = ELFBuilder()
        builder.is64Bit = false
        builder.segments[0].content = LoaderSeed.multibootHeader(flags: 3)
        builder.segments.append(
            ELFBuilder.Segment(virtualAddress: 0, physicalAddress: 0, content: [1], memorySize: 0xA_0000))
        let machine = try Machine(builder.bytes)
        #expect(machine.information > 0x10_0000)
        let spans = machine.plan.boot.pieces.map { ($0.address, $0.address + $0.memorySize) }.sorted { $0.0 < $1.0 }
        for (lower, higher) in zip(spans, spans.dropFirst()) { #expect(lower.1 <= higher.0) }
        #expect(machine.plan.interrupts == .full)
    }

    @Test("modules that do not fit, and texts that would end early, are refused in words")
    func refused() throws {
        #expect(throws: VMMError.self) { try Machine(LoaderSeed.multibootAddresses.bytes, memorySize: 1 << 20) }
        for seed in [LoaderSeed.multibootAddresses, .multiboot2Addresses, .pvh] {
            #expect(
                throws: VMMError.configuration(
                    "the command line holds a zero byte, which would end it early; leave it out")
            ) {
                try Machine(seed.bytes, commandLine: "a\0b")
            }
        }
    }
}
