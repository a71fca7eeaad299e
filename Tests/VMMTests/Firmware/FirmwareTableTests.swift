import DeviceModel
import Testing

@testable import VMM

@Suite("The firmware's tables")
struct FirmwareTableTests {
    private static func plan(
        _ controllers: InterruptControllers = .full, vcpus: Int = 1, mode: CPUMode = .long,
        devices: [DeviceConfiguration] = []
    ) throws -> MachinePlan {
        var configuration = MachineConfiguration(image: .bytes([0xF4]))
        configuration.interruptControllers = controllers
        configuration.vcpuCount = vcpus
        configuration.devices += devices
        return try MachinePlan(configuration, image: ImageInspection(.bytes([0xF4]), mode: mode))
    }

    @Test("a guest with interrupt controllers, in protected or long mode, has them all; another has none")
    func whose() throws {
        let names = [
            "ACPI RSDP", "ACPI FACS", "ACPI DSDT", "ACPI FACP", "ACPI APIC", "ACPI RSDT", "ACPI XSDT", "MP table",
            "BIOS data area", "extended BIOS data area",
        ]
        for mode in CPUMode.allCases {
            for controllers in [InterruptControllers.none, .split, .full] {
                let plan = try Self.plan(controllers, mode: mode)
                let has = mode != .real && controllers != .none
                #expect(plan.boot.pieces.map(\.name).filter(names.contains) == (has ? names : []))
                #expect(plan.rsdp == (has ? 0xE1000 : nil))
                #expect(plan.acpiTables.map(\.name) == (has ? Array(names.prefix(7)) : []))
                guard mode == .long else { continue }
                let parameters = try #require(plan.boot.pieces.first { $0.name == "boot parameters" })
                guard case .bytes(let page) = parameters.content else { continue }
                #expect(page.loadLittleEndian(UInt64.self, at: 0x70) == (has ? 0xE1000 : 0))
            }
        }
    }

    @Test("none lies over another, and they stay in their place with as many vCPUs and devices as there can be")
    func places() throws {
        let disks = (0..<13).map { DeviceConfiguration.disk(DiskConfiguration(path: "\($0)")) }
        let plan = try Self.plan(vcpus: 255, devices: disks + [.uart(UARTConfiguration(port: .com2))])
        let spans = plan.boot.pieces.map { ($0.address, $0.address + $0.memorySize) }.sorted { $0.0 < $1.0 }
        for (lower, higher) in zip(spans, spans.dropFirst()) { #expect(lower.1 <= higher.0) }
        for table in plan.acpiTables { #expect(table.address + table.memorySize <= 0xF0000) }
        #expect(spans.allSatisfy { $0.1 <= 0x100000 || $0.0 >= 0x100000 })
        #expect(try FirmwareMemory(plan).acpiTables().count == 5)
    }

    @Test(
        "where the image has bytes of its own they are left out, all that need each other, and the plan says which",
        arguments: [
            (0xE1000, ["MP table", "BIOS data area", "extended BIOS data area"], ("ACPI tables", 0xE1000)),
            (0xF0010, ["BIOS data area", "extended BIOS data area"], ("MP table", 0xF0000)),
            (0x410, ["MP table"], ("BIOS data area", 0x400)), (0x9FC00, ["MP table"], ("BIOS data area", 0x9FC00)),
            (0x40F, ["MP table"], ("BIOS data area", 0x400)),
        ] as [(UInt64, [String], (String, UInt64))])
    func coveredByImage(address: UInt64, left: [String], missing: (name: String, address: UInt64)) {
        let image = BootPlan.Piece(name: "contents", fileOffset: 0, fileSize: 1, address: address, memorySize: 0x10)
        let tables = FirmwareTables(
            vcpuCount: 1, interrupts: .full, devices: MachinePlan.platform,
            boot: BootPlan(.longMode(entry: address), pieces: [image]))
        #expect(tables.pieces.map(\.name).filter { !$0.hasPrefix("ACPI") } == left)
        #expect((tables.rsdp == nil) == (address == 0xE1000))
        #expect(
            tables.covered == [CoveredTables(name: missing.name, address: missing.address, imagePart: "contents")])
    }

    @Test("where they are not looked for nothing is said to be missing")
    func notLookedFor() throws {
        var builder = ELFBuilder()
        builder.segments[0].physicalAddress = 0xE_0000
        builder.segments[0].memorySize = 0x1_8000
        func missing(_ controllers: InterruptControllers) throws -> [String] {
            var configuration = MachineConfiguration(image: .bytes(builder.bytes))
            configuration.interruptControllers = controllers
            return try MachinePlan(configuration, image: ImageInspection(.bytes(builder.bytes))).coveredTables.map(
                \.name)
        }
        #expect(try missing(.auto) == [])
        #expect(try missing(.full) == ["ACPI tables", "MP table"])
    }

    @Test("the FADT leads to the registers of the power management, and the FACS is where it says")
    func fixedHardware() throws {
        let memory = FirmwareMemory(try Self.plan())
        let fadt = try #require(try memory.acpiTables()["FACP"])
        func word(_ offset: Int) throws -> UInt32 { try memory.load(UInt32.self, at: fadt + offset) }
        #expect(try word(4) == 276)
        #expect(try memory.load(UInt16.self, at: fadt + 46) == 9)
        #expect(try [48, 56, 60, 64, 68, 72, 76, 80, 84].map(word) == [0, 0x600, 0, 0x604, 0, 0, 0x608, 0, 0])
        #expect(memory.bytes(fadt + 88, 8) == [4, 2, 0, 4, 0, 0, 0, 0])
        // Not hardware-reduced (bit 20); a fixed power button (bit 4 clear), a timer of 32 bits, a reset register.
        #expect(try word(112) & (1 << 20 | 1 << 4 | 1 << 8 | 1 << 10) == 1 << 8 | 1 << 10)
        #expect(memory.bytes(fadt + 116, 13) == [1, 8, 0, 1, 0xF9, 0x0C, 0, 0, 0, 0, 0, 0, 6])
        for (offset, address) in [(148, 0x600), (172, 0x604), (208, 0x608)] {
            #expect(memory.bytes(fadt + offset, 1) == [1])
            #expect(try memory.load(UInt64.self, at: fadt + offset + 4) == UInt64(address))
        }
        let facs = Int(try word(36))
        #expect(memory.text(facs, 4) == "FACS" && facs % 64 == 0)
        #expect(try memory.load(UInt32.self, at: facs + 4) == 64)
        #expect(try memory.load(UInt64.self, at: fadt + 132) == 0)
    }

    @Test(
        "the MADT has every vCPU, the I/O APIC, the SCI's override and no other",
        arguments: [
            (.full, 1), (.split, 3), (.full, 255),
        ] as [(InterruptControllers, Int)])
    func interruptControllers(controllers: InterruptControllers, vcpus: Int) throws {
        let memory = FirmwareMemory(try Self.plan(controllers, vcpus: vcpus))
        let madt = try #require(try memory.acpiTables()["APIC"])
        #expect(try memory.load(UInt32.self, at: madt + 36) == 0xFEE0_0000)
        #expect(try memory.load(UInt32.self, at: madt + 40) == (controllers == .full ? 1 : 0))
        var entries: [UInt8] = []
        for number in 0..<UInt8(vcpus) { entries += [0, 8, number, number, 1, 0, 0, 0] }
        entries += [1, 12, 0, 0, 0, 0, 0xC0, 0xFE, 0, 0, 0, 0]
        entries += [2, 10, 0, 9, 9, 0, 0, 0, 0x0D, 0]
        entries += [4, 6, 0xFF, 0, 0, 1]
        let size = Int(try memory.load(UInt32.self, at: madt + 4))
        #expect(Array(memory.bytes(madt + 44, size - 44)) == entries)
    }

    @Test("the BIOS data area says where the serial ports, the extended area and the end of memory below it are")
    func biosDataArea() throws {
        for (devices, com2) in [([], 0), ([.uart(UARTConfiguration(port: .com2))], 0x2F8)]
            as [([DeviceConfiguration], UInt16)]
        {
            let memory = FirmwareMemory(try Self.plan(devices: devices))
            #expect(try memory.load(UInt16.self, at: 0x400) == 0x3F8)
            #expect(try memory.load(UInt16.self, at: 0x402) == com2)
            #expect(try memory.load(UInt32.self, at: 0x404) == 0)
            #expect(try memory.load(UInt16.self, at: 0x40E) == 0x9FC0)
            #expect(try memory.load(UInt16.self, at: 0x413) == 639)
            #expect(memory.bytes(0x9FC00, 1) == [1])
        }
    }
}

@Suite("Intel's MP table")
struct MPTableTests {
    @Test(
        "it has every vCPU, the ISA bus, the I/O APIC and where each line goes",
        arguments: [
            (.full, 1), (.split, 3), (.full, 255),
        ] as [(InterruptControllers, Int)])
    func whole(controllers: InterruptControllers, vcpus: Int) throws {
        var configuration = MachineConfiguration(image: .bytes([0xF4]))
        configuration.interruptControllers = controllers
        configuration.vcpuCount = vcpus
        // The first disks have lines 5, 6, 7, 10, 11, 16 and 17.
        configuration.devices += (0..<7).map { .disk(DiskConfiguration(path: "\($0)")) }
        let memory = FirmwareMemory(
            try MachinePlan(configuration, image: ImageInspection(.bytes([0xF4]), mode: .long)))
        let pointer = memory.find("_MP_", in: 0xF0000..<0x100000)
        #expect(pointer == [0xF0000])
        #expect(memory.sum(0xF0000, 16) == 0)
        #expect(Array(memory.bytes(0xF0008, 2)) == [1, 4])
        #expect(Array(memory.bytes(0xF000B, 5)) == [0, 0, 0, 0, 0])
        let table = Int(try memory.load(UInt32.self, at: 0xF0004))
        let size = Int(try memory.load(UInt16.self, at: table + 4))
        #expect(memory.text(table, 4) == "PCMP" && memory.sum(table, size) == 0)
        #expect(try memory.load(UInt32.self, at: table + 36) == 0xFEE0_0000)
        // Entries have 20 bytes for a processor, 8 for all others (section 4.3).
        var (place, entries): (Int, [[UInt8]]) = (table + 44, [])
        while place < table + size {
            let entry = Array(memory.bytes(place, memory.bytes(place, 1) == [0] ? 20 : 8))
            entries.append(entry)
            place += entry.count
        }
        #expect(place == table + size)
        #expect(try memory.load(UInt16.self, at: table + 34) == UInt16(entries.count))
        let processors = entries.prefix(vcpus)
        #expect(processors.map { $0[1] } == (0..<UInt8(vcpus)).map(\.self))
        #expect(processors.map { $0[3] } == [3] + [UInt8](repeating: 1, count: vcpus - 1))
        let isFull = controllers == .full
        let lines: [UInt8] = (isFull ? [0, 1] : [1]) + Array(3...17)
        let levels: Set<UInt8> = [5, 6, 7, 9, 10, 11, 16, 17]
        var rest: [[UInt8]] = [[1, 0] + Array("ISA   ".utf8), [2, 0, 0x11, 1, 0, 0, 0xC0, 0xFE]]
        for line in lines { rest.append([3, 0, levels.contains(line) ? 0x0D : 0, 0, 0, line, 0, line]) }
        if isFull { rest.append([4, 3, 0, 0, 0, 0, 0, 0]) }
        rest.append([4, 1, 0, 0, 0, 0, 0xFF, 1])
        #expect(Array(entries.dropFirst(vcpus)) == rest)
    }
}
