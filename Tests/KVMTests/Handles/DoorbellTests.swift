import KVM
import LinuxHost
import TestSupport
import Testing

@Suite("Doorbells by event descriptors", .requiresKVM)
struct DoorbellTests {
    /// Where no memory is.
    private static let address: UInt16 = 0x9050

    /// movl $value, (address)
    private static func ring(_ value: UInt32, at address: UInt16 = address) -> [UInt8] {
        [0x66, 0xC7, 0x06] + [UInt8(truncatingIfNeeded: address), UInt8(address >> 8)]
            + (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    @Test("a write of the value adds to the event and is no exit; other values, addresses and widths are exits")
    func rings() throws {
        let first = try EventFD()
        let second = try EventFD()
        // movw $1, (address) has 16 bits.
        let word: [UInt8] = [0xC7, 0x06, 0x50, 0x90, 0x01, 0x00]
        let code =
            Self.ring(0) + Self.ring(1) + Self.ring(1) + Self.ring(2) + word + Self.ring(1, at: Self.address + 4) + [
                0xF4
            ]
        var machine = try TestMachine(code)
        let doorbell = machine.ioeventfds
        try doorbell.signal(first, onWriteOf: 0, to: UInt64(Self.address))
        try doorbell.signal(second, onWriteOf: 1, to: UInt64(Self.address))
        let address = UInt64(Self.address)
        #expect(try machine.vcpu.nextExit() == .mmioWrite(address: address, width: 4, value: 2))
        #expect(first.take() == 1)
        #expect(second.take() == 2)
        #expect(try machine.vcpu.nextExit() == .mmioWrite(address: address, width: 2, value: 1))
        #expect(try machine.vcpu.nextExit() == .mmioWrite(address: address + 4, width: 4, value: 1))
        #expect(try machine.vcpu.nextExit() == .halt)
        #expect(first.take() == 0)
        #expect(second.take() == 0)
    }

    @Test("a value has one event")
    func once() throws {
        let event = try EventFD()
        let machine = try TestMachine([0xF4])
        let doorbell = machine.ioeventfds
        try doorbell.signal(event, onWriteOf: 7, to: UInt64(Self.address))
        #expect(throws: KVMError.self) { try doorbell.signal(event, onWriteOf: 7, to: UInt64(Self.address)) }
    }

    @Test("an interrupt by an event descriptor needs interrupt controllers in the kernel")
    func interrupt() throws {
        let machine = try KVMSystem().makeVirtualMachine()
        #expect(throws: KVMError.self) { _ = try machine.irqfds.make(gsi: 5) }
        try machine.makeInterruptControllers()
        let event = try machine.irqfds.make(gsi: 5)
        event.raise()
        // Nobody has ended it.
        #expect(!event.takeEnd())
    }
}
