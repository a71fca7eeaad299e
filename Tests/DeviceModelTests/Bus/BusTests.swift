import DeviceModel
import Testing

@Suite("Bus")
struct BusTests {
    @Test("an access reaches the device that owns the address, at its own offset")
    func routes() throws {
        let (low, high) = (RecordingDevice(answer: 0x11), RecordingDevice(answer: 0x22))
        // Out of order on purpose: the bus sorts.
        let bus = try Bus([
            (BusRange(start: 0x3F8, count: 8), high), (BusRange(start: 0x80, count: 1), low),
        ])
        #expect(bus.read(at: 0x3FA, width: 1) == 0x22)
        #expect(bus.read(at: 0x80, width: 1) == 0x11)
        bus.write(at: 0x3FF, width: 1, value: 0x41)
        #expect(low.accesses == [.read(offset: 0, width: 1)])
        #expect(high.accesses == [.read(offset: 2, width: 1), .write(offset: 7, width: 1, value: 0x41)])
        #expect(bus.unmapped.byAddress.isEmpty)
    }

    @Test("each of many devices is found at its first and last address, and nothing beside it")
    func findsEachOfMany() throws {
        let devices = (0..<33).map { RecordingDevice(answer: $0) }
        let bus = try Bus(
            devices.enumerated().map { (BusRange(start: UInt64($0.offset) * 0x10, count: 4), $0.element) })
        for index in 0..<33 as Range<UInt64> {
            #expect(bus.read(at: index * 0x10, width: 1) == index)
            #expect(bus.read(at: index * 0x10 + 3, width: 1) == index)
            #expect(bus.read(at: index * 0x10 + 4, width: 1) == 0xFF)
            #expect(bus.read(at: index * 0x10 + 15, width: 1) == 0xFF)
        }
    }

    @Test(
        "a read where nothing is gives all ones of its width",
        arguments: zip(
            1...8 as ClosedRange<Int>,
            [
                0xFF, 0xFFFF, 0xFF_FFFF, 0xFFFF_FFFF, 0xFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF, 0xFF_FFFF_FFFF_FFFF,
                0xFFFF_FFFF_FFFF_FFFF,
            ] as [UInt64]))
    func unmappedReadsAllOnes(width: Int, ones: UInt64) throws {
        #expect(try Bus([]).read(at: 0x1234, width: width) == ones)
        #expect(try Bus([]).read(at: .max, width: width) == ones)
    }

    @Test("what a device answers and what it is given are cut to the width")
    func masksValues() throws {
        let device = RecordingDevice(answer: 0x8877_6655_4433_2211)
        let bus = try Bus([(BusRange(start: 0, count: 16), device)])
        #expect(bus.read(at: 0, width: 1) == 0x11)
        #expect(bus.read(at: 0, width: 2) == 0x2211)
        #expect(bus.read(at: 0, width: 3) == 0x33_2211)
        #expect(bus.read(at: 0, width: 4) == 0x4433_2211)
        #expect(bus.read(at: 0, width: 8) == 0x8877_6655_4433_2211)
        bus.write(at: 4, width: 2, value: 0xAAAA_BBBB)
        bus.write(at: 4, width: 8, value: 0xAAAA_BBBB_CCCC_DDDD)
        #expect(
            device.accesses.suffix(2) == [
                .write(offset: 4, width: 2, value: 0xBBBB), .write(offset: 4, width: 8, value: 0xAAAA_BBBB_CCCC_DDDD),
            ])
    }

    @Test("an access across the end of a range does not reach the device, not even in part")
    func straddling() throws {
        let (first, second) = (RecordingDevice(), RecordingDevice())
        let bus = try Bus([
            (BusRange(start: 0x10, count: 4), first), (BusRange(start: 0x14, count: 4), second),
        ])
        #expect(bus.read(at: 0x13, width: 2) == 0xFFFF)
        bus.write(at: 0x12, width: 4, value: 0)
        bus.write(at: 0x0F, width: 2, value: 0)
        bus.write(at: 0x10, width: 8, value: 0)
        #expect(first.accesses.isEmpty)
        #expect(second.accesses.isEmpty)
        #expect(bus.unmapped.byAddress.keys.sorted() == [0x0F, 0x10, 0x12, 0x13])
        #expect(bus.read(at: 0x10, width: 4) == 0xFFFF_FFFF)
        #expect(first.accesses == [.read(offset: 0, width: 4)])
    }

    @Test("an access of no bytes, fewer than none or more than 8 reaches no device", arguments: [.min, -1, 0, 9, .max])
    func impossibleWidths(width: Int) throws {
        let device = RecordingDevice()
        let bus = try Bus([(BusRange(start: 0, count: .max), device)])
        #expect(bus.read(at: 0, width: width) == (width > 8 ? .max : 0))
        bus.write(at: 0, width: width, value: 1)
        #expect(device.accesses.isEmpty)
        #expect(bus.unmapped.byAddress[0]?.writes == 1)
    }

    @Test("a device may own the last address that 64 bits can name, and nothing wraps round to address 0")
    func lastAddress() throws {
        let device = RecordingDevice(answer: 0x77)
        let bus = try Bus([(BusRange(start: .max - 3, count: 4), device)])
        #expect(bus.read(at: .max, width: 1) == 0x77)
        #expect(bus.read(at: .max - 3, width: 4) == 0x77)
        #expect(bus.read(at: .max, width: 2) == 0xFFFF)
        #expect(bus.read(at: 0, width: 1) == 0xFF)
    }

    @Test("a device at two places tells them apart by offset, and does not own what lies between")
    func twoPlaces() throws {
        let device = RecordingDevice(answer: 0)
        let bus = try Bus([
            (BusRange(start: 0x60, count: 1), device), (BusRange(start: 0x64, count: 1, deviceOffset: 4), device),
        ])
        _ = bus.read(at: 0x60, width: 1)
        _ = bus.read(at: 0x64, width: 1)
        #expect(device.accesses == [.read(offset: 0, width: 1), .read(offset: 4, width: 1)])
        #expect(bus.read(at: 0x61, width: 1) == 0xFF)
    }

    @Test("unmapped accesses are counted per address, reads and writes apart")
    func countsUnmapped() throws {
        let bus = try Bus([])
        for _ in 0..<3 { _ = bus.read(at: 0xCF8, width: 4) }
        bus.write(at: 0xCF8, width: 4, value: 0)
        bus.write(at: 0xED, width: 1, value: 0)
        let tally = bus.unmapped
        #expect(tally.byAddress.count == 2)
        #expect(tally.byAddress[0xCF8]?.reads == 3)
        #expect(tally.byAddress[0xCF8]?.writes == 1)
        #expect(tally.byAddress[0xED]?.reads == 0)
        #expect(tally.byAddress[0xED]?.writes == 1)
    }

    @Test("only 256 addresses are kept, and accesses to further ones are still counted")
    func boundsTally() throws {
        let bus = try Bus([])
        for address in 0..<300 as Range<UInt64> {
            _ = bus.read(at: address, width: 1)
            bus.write(at: address, width: 1, value: 0)
        }
        bus.write(at: 255, width: 1, value: 0)
        let tally = bus.unmapped
        #expect(tally.byAddress.count == 256)
        #expect(tally.byAddress[255]?.writes == 2)
        #expect(tally.byAddress[256] == nil)
        #expect(tally.others.reads == 44)
        #expect(tally.others.writes == 44)
    }

    @Test("ranges that are empty, wrap or overlap are refused by name")
    func refusesBadRanges() {
        let device = RecordingDevice()
        let uart = BusRange(start: 0x3F8, count: 8)
        #expect(throws: BusError.empty(BusRange(start: 0x80, count: 0))) {
            try Bus([(uart, device), (BusRange(start: 0x80, count: 0), device)])
        }
        #expect(throws: BusError.wraps(BusRange(start: .max, count: 2))) {
            try Bus([(BusRange(start: .max, count: 2), device)])
        }
        #expect(throws: BusError.overlap(uart, BusRange(start: 0x3FF, count: 1))) {
            try Bus([(BusRange(start: 0x3FF, count: 1), device), (uart, device)])
        }
        #expect(throws: BusError.overlap(uart, uart)) {
            try Bus([(uart, device), (uart, device)])
        }
    }

    @Test("a range inside a longer one that started earlier is found to overlap")
    func refusesNestedRanges() {
        let device = RecordingDevice()
        #expect(throws: BusError.overlap(BusRange(start: 0, count: 100), BusRange(start: 10, count: 1))) {
            try Bus([(BusRange(start: 0, count: 100), device), (BusRange(start: 10, count: 1), device)])
        }
    }

    @Test("errors name both ranges in words")
    func describesErrors() {
        #expect(
            BusError.overlap(BusRange(start: 0x3F8, count: 8), BusRange(start: 0x3FF, count: 1)).description
                == "the bus ranges 0x3f8 to 0x3ff and 0x3ff overlap")
        #expect(
            BusError.empty(BusRange(start: 0x80, count: 0)).description == "the bus range 0x80, 0 long is empty")
        #expect(
            BusError.wraps(BusRange(start: .max, count: 2)).description
                == "the bus range 0xffffffffffffffff, 2 long reaches past the end of the address space")
    }
}
