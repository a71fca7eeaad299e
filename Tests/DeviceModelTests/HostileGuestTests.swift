import DeviceModel
import TestSupport
import Testing
import VirtioDriver

/// A guest that does everything at random. The seed is the argument, so a failure can be repeated.
@Suite("A hostile guest")
struct HostileGuestTests {
    /// Never ends and always fills the room.
    private final class EndlessInput: ByteSource {
        func read(upTo room: Int, _ receive: (UInt8) -> Void) {
            for byte in 0..<room {
                receive(UInt8(truncatingIfNeeded: byte))
            }
        }
    }

    private final class Discard: ByteSink, InterruptLine {
        func write(_ bytes: RawSpan) {}
        func write(_ byte: UInt8) {}
        func setLevel(_ high: Bool) {}
    }

    private static let masks: [UInt64] = [
        0, 0xFF, 0xFFFF, 0xFF_FFFF, 0xFFFF_FFFF, 0xFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF, 0xFF_FFFF_FFFF_FFFF, .max,
    ]

    private static let ranges = [
        BusRange(start: 0x60, count: 1), BusRange(start: 0x64, count: 1, deviceOffset: 4),
        BusRange(start: 0x70, count: 2), BusRange(start: 0x80, count: 1), BusRange(start: 0x92, count: 1),
        BusRange(start: 0xE9, count: 1), BusRange(start: 0xF4, count: 4), BusRange(start: 0x3F8, count: 8),
        BusRange(start: 0x500, count: 4), BusRange(start: 0x600, count: 12), BusRange(start: 0xCF8, count: 8),
        BusRange(start: 0x510, count: 4),
        // The same devices once more with room for the widest access, and at the very end of the address space.
        BusRange(start: 0x1_0000, count: 64), BusRange(start: 0x1_0040, count: 64, deviceOffset: .max - 3),
        BusRange(start: .max - 15, count: 16),
        BusRange(start: 0x505, count: 1), BusRange(start: 0x1_0080, count: 64),
        BusRange(start: 0x1_00C0, count: 64, deviceOffset: .max - 3),
    ]

    private func makeBus() throws -> Bus {
        let (events, discard) = (MachineEventLatch(), Discard())
        let keyboard = KeyboardController(events: events)
        let clock = CMOSClock(now: { .max })
        let power = PowerManagement(events: events, interrupt: discard) { -1 }
        let serial = SerialPort(output: discard, input: EndlessInput(), interrupt: discard)
        let devices: [any BusDevice] = [
            keyboard, keyboard, clock, POSTCode(), SystemControlPort(events: events), DebugConsole(output: discard),
            DebugExit(events: events), serial, PlainExit(events: events), power, PCIConfiguration(events: events),
            FirmwareConfiguration(
                ramSize: .max, cpuCount: .max,
                doorbell: HypercallDoorbell(
                    memory: try HostPages.makeMemory([(start: 0, size: 0x1000)]), output: discard, input: nil,
                    events: events)),
            serial, keyboard, clock, PanicPort(events: events), power, power,
        ]
        return try Bus(zip(Self.ranges, devices).map { (range: $0, device: $1) })
    }

    @Test(
        "100,000 random bus accesses neither trap nor break a rule of the bus", arguments: 1...3 as ClosedRange<UInt64>)
    func randomBusAccesses(seed: UInt64) throws {
        let bus = try makeBus()
        var random = SplitMix64(seed: seed)
        for step in 0..<100_000 {
            let width = Int.random(in: 1...8, using: &random)
            let range = Self.ranges[Int.random(in: 0..<Self.ranges.count, using: &random)]
            // Mostly at and around devices, where the edges are; the rest anywhere.
            let isNear = Int.random(in: 0..<16, using: &random) != 0
            let address = isNear ? range.start &- 2 &+ random.next() % (range.count + 4) : random.next()
            let value = random.next()
            if Bool.random(using: &random) {
                bus.write(at: address, width: width, value: value)
                continue
            }
            let read = bus.read(at: address, width: width)
            // In 128 bits, where nothing can wrap: another way to say which accesses a device owns.
            let isOwned = Self.ranges.contains {
                $0.start <= address && UInt128(address) + UInt128(width) <= UInt128($0.start) + UInt128($0.count)
            }
            let mask = Self.masks[width]
            guard read & ~mask == 0, isOwned || read == mask else {
                Issue.record("seed \(seed), step \(step): read of \(width) bytes at \(address) gave \(read)")
                return
            }
        }
        #expect(bus.unmapped.byAddress.count == 256)
        #expect(bus.unmapped.others.reads > 0)
    }

    @Test("100,000 random memory accesses match a plain array", arguments: 1...3 as ClosedRange<UInt64>)
    func randomMemoryAccesses(seed: UInt64) throws {
        let regions: [(start: UInt64, size: Int)] = [(0, 4096), (0x1_0000_0000, 512), (.max - 255, 256)]
        let memory = try HostPages.makeMemory(regions)
        var model = regions.map { [UInt8](repeating: 0, count: $0.size) }
        var random = SplitMix64(seed: seed)
        for step in 0..<100_000 {
            let (near, size) = regions[Int.random(in: 0..<regions.count, using: &random)]
            let address = near &- 16 &+ random.next() % (UInt64(size) + 32)
            let count = [1, 2, 4, 8][Int.random(in: 0..<4, using: &random)]
            // In 128 bits, where nothing can wrap: another way to say which region holds the bytes.
            let index = regions.firstIndex {
                $0.start <= address && UInt128(address) + UInt128(count) <= UInt128($0.start) + UInt128($0.size)
            }
            let outcome: UInt64?
            var expected: UInt64?
            if Bool.random(using: &random) {
                let value = random.next() & Self.masks[count]
                outcome = store(value, count: count, at: GuestAddress(address), in: memory) ? value : nil
                if let index {
                    expected = value
                    for byte in 0..<count {
                        model[index][Int(address - regions[index].start) + byte] = UInt8(
                            truncatingIfNeeded: value >> (8 * byte))
                    }
                }
            } else {
                outcome = load(count: count, at: GuestAddress(address), in: memory)
                if let index {
                    let bytes = model[index][Int(address - regions[index].start)...].prefix(count)
                    expected = bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
                }
            }
            guard outcome == expected else {
                Issue.record(
                    "seed \(seed), step \(step): \(count) bytes at \(address) gave \(String(describing: outcome))")
                return
            }
        }
        for (region, bytes) in zip(regions, model) {
            var copy = [UInt8](repeating: 0xEE, count: region.size)
            var span = copy.mutableSpan
            try memory.read(at: GuestAddress(region.start), into: &span)
            #expect(copy == bytes)
        }
    }

    /// Returns whether memory accepted the value. Two bytes go by way of a span, the rest as integers.
    private func store(_ value: UInt64, count: Int, at address: GuestAddress, in memory: GuestMemory) -> Bool {
        do throws(GuestMemoryError) {
            switch count {
            case 1: try memory.store(UInt8(truncatingIfNeeded: value), at: address)
            case 2:
                try memory.write(
                    [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)].span, at: address)
            case 4: try memory.store(UInt32(truncatingIfNeeded: value), at: address)
            default: try memory.store(value, at: address)
            }
            return true
        } catch {
            return false
        }
    }

    private func load(count: Int, at address: GuestAddress, in memory: GuestMemory) -> UInt64? {
        do throws(GuestMemoryError) {
            switch count {
            case 1: return UInt64(try memory.load(UInt8.self, at: address))
            case 2: return UInt64(try memory.load(UInt16.self, at: address))
            case 4: return UInt64(try memory.load(UInt32.self, at: address))
            default: return try memory.load(UInt64.self, at: address)
            }
        } catch {
            return nil
        }
    }
}
