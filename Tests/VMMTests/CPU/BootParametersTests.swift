import DeviceModel
import Testing

@testable import VMM

/// Offsets and values from Linux Documentation/arch/x86/zero-page.rst and boot.rst.
@Suite("Boot parameters")
struct BootParametersTests {
    private static let map: [E820Entry] = [
        E820Entry(start: 0, end: 0x1_0000, kind: .reserved),
        E820Entry(start: 0x1_0000, end: 0x1_2345_6000, kind: .usable),
    ]

    private static func page(_ commandLine: String = "") throws -> [UInt8] {
        try BootParameters(BootInformation(memoryMap: map, commandLine: commandLine)).bytes
    }

    @Test("the page has 4,096 bytes")
    func size() throws {
        #expect(try Self.page().count == 4096)
    }

    @Test("a 64-bit loader's header is there, of protocol 2.15")
    func header() throws {
        let page = try Self.page()
        #expect(Array(page[0x1FE..<0x200]) == [0x55, 0xAA])
        #expect(Array(page[0x202..<0x206]) == Array("HdrS".utf8))
        #expect(Array(page[0x206..<0x208]) == [0x0F, 0x02])
        // type_of_loader: one without a number of its own.
        #expect(page[0x210] == 0xFF)
        // loadflags: LOADED_HIGH and the others say nothing of what is here.
        #expect(page[0x211] == 0)
    }

    @Test("cmd_line_ptr and cmdline_size say where the command line is, and how long it may be")
    func commandLine() throws {
        let page = try Self.page("hello")
        #expect(Array(page[0x228..<0x22C]) == [0x00, 0x40, 0x00, 0x00])
        #expect(Array(page[0x0C8..<0x0CC]) == [0, 0, 0, 0])
        #expect(Array(page[0x238..<0x23C]) == [0xFF, 0x07, 0x00, 0x00])
    }

    @Test("e820_table holds start, size and type, 20 bytes a line, and e820_entries how many")
    func memoryMap() throws {
        let page = try Self.page()
        #expect(page[0x1E8] == 2)
        #expect(
            Array(page[0x2D0..<0x2F8]) == [
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0,
                0, 0, 1, 0, 0, 0, 0, 0, 0, 0x60, 0x44, 0x23, 1, 0, 0, 0, 1, 0, 0, 0,
            ])
        #expect(page[0x2F8...].allSatisfy { $0 == 0 })
    }

    @Test("fields that are not set are zero: no initial RAM disk, no screen, no EFI")
    func rest() throws {
        let page = try Self.page()
        let set: [Range<Int>] = [
            0x1E8..<0x1E9, 0x1FE..<0x200, 0x202..<0x208, 0x210..<0x211, 0x228..<0x22C, 0x238..<0x23C, 0x2D0..<0x2F8,
        ]
        for (offset, byte) in page.enumerated() where !set.contains(where: { $0.contains(offset) }) {
            #expect(byte == 0, "offset \(offset)")
        }
    }

    // boot.rst, "The Real-Mode Kernel Header": ramdisk_image, ramdisk_size, and zero-page.rst for their upper halves and acpi_rsdp_addr.
    @Test(
        "a kernel's own header is handed back to it, with where its initial RAM disk lies, and none where there is none"
    )
    func kernel() throws {
        // From 0x1F1 on: each byte its offset's lowest eight bits.
        let header = (0x1F1..<0x268).map { UInt8(truncatingIfNeeded: $0) }
        let kernel = LinuxKernel(
            entry: 0x100_0200, is64Bit: true, setupHeader: header, initrdEnd: 0x8000_0000, commandLineLimit: 5)
        var information = BootInformation(memoryMap: Self.map, commandLine: "hello")
        let none = try BootParameters(information, kernel: kernel).bytes
        #expect(Array(none[0x218..<0x220]) == [UInt8](repeating: 0, count: 8))
        #expect(none[0x1F1] == 0xF1 && none[0x206] == 0x06 && none[0x236] == 0x36 && none[0x267] == 0x67)
        #expect(none[0x210] == 0xFF && Array(none[0x228..<0x22C]) == [0x00, 0x40, 0x00, 0x00])
        #expect(none[0x1E8] == 2 && none[0x268] == 0)
        information.modules = [
            BootInformation.Module(start: 0x1_2345_6000, size: 0x2_0000_0789, name: "initrd", arguments: "")
        ]
        information.rsdp = 0xE1000
        let page = try BootParameters(information, kernel: kernel).bytes
        #expect(Array(page[0x218..<0x220]) == [0x00, 0x60, 0x45, 0x23, 0x89, 0x07, 0x00, 0x00])
        #expect(Array(page[0x0C0..<0x0C8]) == [1, 0, 0, 0, 2, 0, 0, 0])
        #expect(Array(page[0x070..<0x078]) == [0x00, 0x10, 0x0E, 0, 0, 0, 0, 0])
        information = BootInformation(memoryMap: Self.map, commandLine: "hello!")
        #expect(
            throws: VMMError.configuration(
                "the command line, with the words that are added to it, has 6 bytes, and this kernel takes 5 at most (cmdline_size in its header); make it shorter"
            )
        ) {
            _ = try BootParameters(information, kernel: kernel)
        }
    }

    @Test("a command line takes 2,047 bytes, not characters, and no zero byte")
    func commandLineLimit() throws {
        #expect(
            try BootParameters(BootInformation(memoryMap: [], commandLine: String(repeating: "x", count: 2047)))
                .commandLine.count
                == 2047)
        #expect(
            throws: VMMError.configuration(
                "the command line, with the words that are added to it, has 2048 bytes, and a guest takes 2047 at most; make it shorter"
            )
        ) {
            _ = try BootParameters(BootInformation(memoryMap: [], commandLine: String(repeating: "ü", count: 1024)))
        }
        #expect(
            throws: VMMError.configuration(
                "the command line holds a zero byte, which would end it early; leave it out")
        ) {
            _ = try BootParameters(BootInformation(memoryMap: [], commandLine: "a\0b"))
        }
    }

    @Test("the tables of long mode are where the layout of low memory says, and nothing else is written")
    func longModeTables() throws {
        let memory = try GuestRAM.make(1 << 20).memory
        let information = BootInformation(memoryMap: Self.map, commandLine: "hello")
        try BootTables.write(for: .long, information, into: memory)
        #expect(try memory.load(4096, at: 0x3000) == BootParameters(information).bytes)
        #expect(memory.load(6, at: 0x4000) == Array("hello".utf8) + [0])
        for empty in [0..<0x1000, 0x1030..<0x2000, 0x2068..<0x3000, 0x4005..<0x8000, 0xE000..<0x10_0000] {
            let bytes = try #require(memory.load(empty.count, at: UInt64(empty.lowerBound)))
            #expect(bytes.allSatisfy { $0 == 0 }, "\(empty)")
        }
    }

    @Test("protected mode has a descriptor table and a task-state segment, real mode nothing")
    func otherModes() throws {
        let information = BootInformation(memoryMap: Self.map, commandLine: "hello")
        let real = try GuestRAM.make(1 << 20).memory
        try BootTables.write(for: .real, information, into: real)
        #expect(try #require(real.load(0x10_0000, at: 0)).allSatisfy { $0 == 0 })
        let protected = try GuestRAM.make(1 << 20).memory
        try BootTables.write(for: .protected, information, into: protected)
        #expect(try #require(protected.load(0x30, at: 0x1000)).contains { $0 != 0 })
        #expect(try #require(protected.load(0xFD000, at: 0x3000)).allSatisfy { $0 == 0 })
    }
}
