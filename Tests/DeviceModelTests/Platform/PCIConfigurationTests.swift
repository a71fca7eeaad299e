import TestSupport
import Testing

@testable import DeviceModel

@Suite("The PCI configuration ports")
struct PCIConfigurationTests {
    private let events = MachineEventLatch()

    /// Configuration mechanism #1 with the parts of an address as they are.
    private static func address(
        bus: UInt64 = 0, device: UInt64 = 0, function: UInt64 = 0, register: UInt64 = 0, isEnabled: Bool = true
    ) -> UInt64 {
        (isEnabled ? 0x8000_0000 : 0) | bus << 16 | device << 11 | function << 8 | register
    }

    @Test("the address reads back, without the bits that a bus has no use for")
    func address() {
        var registers = PCIConfigurationRegisters()
        #expect(registers.read(offset: 0, width: 4) == 0)
        registers.write(offset: 0, width: 4, value: 0x8000_0000)
        #expect(registers.read(offset: 0, width: 4) == 0x8000_0000)
        registers.write(offset: 0, width: 4, value: 0xFFFF_FFFF)
        #expect(registers.read(offset: 0, width: 4) == 0x80FF_FFFC)
    }

    @Test("Linux finds mechanism #1 by it, and not #2")
    func linuxProbe() {
        let ports = PCIConfiguration(events: events)
        // As arch/x86/pci/direct.c does: first #1,
        ports.write(offset: 3, width: 1, value: 1)
        #expect(ports.read(offset: 0, width: 4) == 0)
        ports.write(offset: 0, width: 4, value: 0x8000_0000)
        #expect(ports.read(offset: 0, width: 4) == 0x8000_0000)
        ports.write(offset: 0, width: 4, value: Self.address(register: 0x08))
        #expect(ports.read(offset: 4 + 2, width: 2) & 0xFFFF == 0x0600)
        // and where that fails #2, which would read zeros from 0xCF8 and 0xCFA.
        for offset in [3, 0, 2] as [UInt64] { ports.write(offset: offset, width: 1, value: 0) }
        #expect(ports.read(offset: 0, width: 1) != 0)
        #expect(events.event == nil)
    }

    @Test("there is a host bridge, in every width, and it takes no write")
    func hostBridge() {
        let ports = PCIConfiguration(events: events)
        func read(_ register: UInt64, _ width: Int) -> UInt64 {
            ports.write(offset: 0, width: 4, value: Self.address(register: register))
            return ports.read(offset: 4 + register & 3, width: width)
        }
        for _ in 0..<2 {
            #expect(read(0x00, 4) == 0x1237_8086)
            #expect(read(0x00, 2) & 0xFFFF == 0x8086)
            #expect(read(0x02, 2) & 0xFFFF == 0x1237)
            #expect(read(0x0B, 1) & 0xFF == 0x06)
            #expect(read(0x0A, 1) & 0xFF == 0x00)
            #expect(read(0x0E, 1) & 0xFF == 0x00)  // one function
            for register in stride(from: UInt64(0x10), to: 0x100, by: 4) { #expect(read(register, 4) == 0) }
            for register in stride(from: UInt64(0), to: 0x100, by: 4) {
                ports.write(offset: 0, width: 4, value: Self.address(register: register))
                ports.write(offset: 4, width: 4, value: 0xFFFF_FFFF)
            }
        }
    }

    @Test("every other function of every bus is absent: all ones")
    func nothingElse() {
        var registers = PCIConfigurationRegisters()
        for bus in [0, 1, 255] as [UInt64] {
            for place in 0..<256 as Range<UInt64> where bus != 0 || place != 0 {
                registers.write(
                    offset: 0, width: 4, value: Self.address(bus: bus, device: place >> 3, function: place & 7))
                #expect(registers.read(offset: 4, width: 4) == .max)
            }
        }
        registers.write(offset: 0, width: 4, value: Self.address(isEnabled: false))
        #expect(registers.read(offset: 4, width: 4) == .max)
    }

    @Test("8 bits at 0xCF9 are the reset control register, and nothing else there is")
    func resetControl() {
        let ports = PCIConfiguration(events: events)
        ports.write(offset: 0, width: 4, value: 0xFFFF_FFFF)
        ports.write(offset: 0, width: 2, value: 0xFFFF)
        ports.write(offset: 1, width: 2, value: 0xFFFF)
        ports.write(offset: 1, width: 1, value: 0x02)
        #expect(ports.read(offset: 1, width: 1) == 0x02)
        #expect(ports.read(offset: 0, width: 4) == 0x80FF_FFFC)
        #expect(events.event == nil)
        ports.write(offset: 1, width: 1, value: 0x06)
        #expect(events.event == .reset(.resetControl))
    }

    @Test("100,000 random accesses match another description", arguments: 1...3 as ClosedRange<UInt64>)
    func random(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var registers = PCIConfigurationRegisters()
        var address: UInt64 = 0
        var bridge = [UInt8](repeating: 0, count: 256)
        bridge.replaceSubrange(0..<12, with: [0x86, 0x80, 0x37, 0x12, 6, 0, 0x80, 2, 2, 0, 0, 6])
        for step in 0..<100_000 {
            let isFar = UInt8.random(in: 0...15, using: &random) == 0
            let (offset, width) = (isFar ? random.next() : random.next() & 7, Int(random.next() & 7) + 1)
            if Bool.random(using: &random) {
                // Mostly the bridge.
                let value = random.next() & (Bool.random(using: &random) ? 0x8000_00FF : .max)
                registers.write(offset: offset, width: width, value: value)
                if offset == 0, width == 4 { address = value & 0x80FF_FFFC }
                continue
            }
            var expected = UInt64.max
            if offset == 0, width == 4 {
                expected = address
            } else if (4..<8).contains(offset), width == 1 || width == 2 || width == 4,
                UInt128(offset) + UInt128(width) <= 8, address >> 8 == 0x80_0000
            {
                let first = Int(address & 0xFF) + Int(offset - 4)
                expected = bridge[first..<first + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
            let mask = UInt64.max >> UInt64(64 - 8 * width)
            let value = registers.read(offset: offset, width: width)
            guard value & mask == expected & mask else {
                Issue.record("seed \(seed), step \(step): \(width) bytes at \(offset), \(address): \(value)")
                return
            }
        }
    }
}
