import Synchronization
import TestSupport
import Testing

@testable import DeviceModel

@Suite("The I/O APIC")
struct IOAPICTests {
    /// What came out of the chip, in order.
    private final class Sent: InterruptMessageSink {
        enum Event: Equatable {
            case message(InterruptMessage)
            case ends(pins: [Int])
        }

        private let state = Mutex<[Event]>([])

        /// All so far, which is forgotten.
        func take() -> [Event] {
            state.withLock { events in
                defer { events = [] }
                return events
            }
        }

        func send(_ message: InterruptMessage) { state.withLock { $0.append(.message(message)) } }

        func tellEnds(of messages: [(pin: Int, message: InterruptMessage)]) {
            state.withLock { $0.append(.ends(pins: messages.map(\.pin))) }
        }
    }

    private let sent = Sent()
    private let chip: IOAPIC

    init() {
        chip = IOAPIC(sink: sent)
    }

    private func write(_ index: UInt64, _ value: UInt64) {
        chip.write(offset: 0, width: 4, value: index)
        chip.write(offset: 0x10, width: 4, value: value)
    }

    private func read(_ index: UInt64) -> UInt64 {
        chip.write(offset: 0, width: 4, value: index)
        return chip.read(offset: 0x10, width: 4)
    }

    /// Sets a pin's entry, the upper half first.
    private func set(_ pin: UInt64, _ entry: UInt64) {
        write(0x10 + 2 * pin + 1, entry >> 32)
        write(0x10 + 2 * pin, entry & 0xFFFF_FFFF)
    }

    private static let level: UInt64 = 1 << 15
    private static let masked: UInt64 = 1 << 16

    private func message(_ address: UInt64, _ data: UInt32) -> Sent.Event {
        .message(InterruptMessage(address: address, data: data))
    }

    @Test("after reset every pin is masked, and the version is that of 24 pins")
    func reset() {
        #expect(read(0) == 0)
        #expect(read(1) == 0x0017_0011)
        #expect(read(2) == 0)
        for pin in 0..<24 as Range<UInt64> {
            #expect(read(0x10 + 2 * pin) == 0x1_0000)
            #expect(read(0x11 + 2 * pin) == 0)
            chip.line(pin: Int(pin)).setLevel(true)
        }
        #expect(sent.take() == [])
    }

    @Test("bits that the guest cannot write stay, and registers that there are not read as 0")
    func bits() {
        write(0, 0xFFFF_FFFF)
        #expect(read(0) == 0x0F00_0000)
        #expect(read(2) == 0x0F00_0000)
        write(1, 0xFFFF_FFFF)
        #expect(read(1) == 0x0017_0011)
        set(3, .max)
        #expect(read(0x16) == 0x0001_AFFF)
        #expect(read(0x17) == 0xFF00_0000)
        for index in [3, 0xF, 0x40, 0xFF] as [UInt64] {
            write(index, 0xFFFF_FFFF)
            #expect(read(index) == 0)
        }
        // The index register holds 8 bits and reads back.
        chip.write(offset: 0, width: 4, value: 0x1FF)
        #expect(chip.read(offset: 0, width: 4) == 0xFF)
    }

    @Test("only accesses of 32 bits at the two registers do anything", arguments: [1, 2, 8])
    func widths(width: Int) {
        set(4, 0x24)
        chip.write(offset: 0, width: 4, value: 0x18)
        chip.write(offset: 0x10, width: width, value: 0x55)
        #expect(chip.read(offset: 0x10, width: width) == 0)
        for offset in [4, 8, 0x14, 0x20, 0x40, 0xFC, .max] as [UInt64] {
            chip.write(offset: offset, width: 4, value: 0x55)
            #expect(chip.read(offset: offset, width: 4) == 0)
        }
        #expect(read(0x18) == 0x24)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let entry: UInt64
        let address: UInt64
        let data: UInt32
    }

    // Intel SDM vol. 3A, "Message Address Register Format" and "Message Data Register Format".
    static let rows = [
        Row(testDescription: "fixed, physical", entry: 0x24, address: 0xFEE0_0000, data: 0x24),
        Row(testDescription: "to APIC 3", entry: 3 << 56 | 0x31, address: 0xFEE0_3000, data: 0x31),
        Row(testDescription: "to all", entry: 0xFF << 56 | 0xFE, address: 0xFEEF_F000, data: 0xFE),
        Row(testDescription: "logical", entry: 1 << 56 | 1 << 11 | 0x40, address: 0xFEE0_1004, data: 0x40),
        Row(testDescription: "lowest priority", entry: 1 << 11 | 1 << 8 | 0x40, address: 0xFEE0_000C, data: 0x140),
        Row(testDescription: "NMI", entry: 4 << 8, address: 0xFEE0_0000, data: 0x400),
        Row(testDescription: "level", entry: level | 0x50, address: 0xFEE0_0000, data: 0xC050),
    ]

    @Test("an entry's message is what the processors' manual says", arguments: rows)
    func messages(row: Row) {
        set(7, row.entry)
        _ = sent.take()
        chip.line(pin: 7).setLevel(true)
        #expect(sent.take() == [message(row.address, row.data)])
    }

    @Test("an edge is sent once, and one at a masked pin is lost")
    func edges() {
        let line = chip.line(pin: 4)
        set(4, 0x24)
        for _ in 0..<2 {
            line.setLevel(true)
            line.setLevel(true)
            #expect(sent.take() == [message(0xFEE0_0000, 0x24)])
            line.setLevel(false)
            #expect(sent.take() == [])
        }
        set(4, Self.masked | 0x24)
        line.setLevel(true)
        set(4, 0x24)
        #expect(sent.take() == [])
        chip.endOfInterrupt(vector: 0x24)
        #expect(sent.take() == [])
    }

    @Test("a level is sent once until its end, and again while it lasts")
    func levels() {
        let line = chip.line(pin: 5)
        set(5, Self.level | 0x25)
        #expect(sent.take() == [.ends(pins: [5])])
        line.setLevel(true)
        let sentOnce = [message(0xFEE0_0000, 0xC025)]
        #expect(sent.take() == sentOnce)
        #expect(read(0x1A) == 0xC025)  // remote IRR
        line.setLevel(false)
        line.setLevel(true)
        chip.endOfInterrupt(vector: 0x26)
        #expect(sent.take() == [])
        chip.endOfInterrupt(vector: 0x25)
        #expect(sent.take() == sentOnce)
        line.setLevel(false)
        chip.endOfInterrupt(vector: 0x25)
        #expect(sent.take() == [])
        #expect(read(0x1A) == 0x8025)
    }

    @Test("a level that lasts is sent when its pin is no longer masked, and its ends are told first")
    func unmasked() {
        chip.line(pin: 9).setLevel(true)
        set(9, Self.masked | Self.level | 0x29)
        #expect(sent.take() == [])
        set(9, Self.level | 0x29)
        #expect(sent.take() == [.ends(pins: [9]), message(0xFEE0_0000, 0xC029)])
        // An edge entry is never accepted: what was is forgotten.
        set(9, 0x29)
        #expect(read(0x22) == 0x29)
        #expect(sent.take() == [.ends(pins: [])])
    }

    @Test("pins that share a vector end together")
    func shared() {
        for pin in [10, 11] as [UInt64] { set(pin, Self.level | 0x30) }
        for pin in [10, 11] { chip.line(pin: pin).setLevel(true) }
        chip.line(pin: 10).setLevel(false)
        _ = sent.take()
        chip.endOfInterrupt(vector: 0x30)
        #expect(sent.take() == [message(0xFEE0_0000, 0xC030)])
        #expect(read(0x24) == 0x8030)
        #expect(read(0x26) == 0xC030)
    }

    @Test("a pin that there is not does nothing", arguments: [-1, 24, .max])
    func noPin(pin: Int) {
        chip.line(pin: pin).setLevel(true)
        #expect(sent.take() == [])
    }

    @Test("random accesses, levels and ends: no trap, and a level is never sent twice without its end")
    func random() {
        var random = SplitMix64(seed: 11)
        var waiting: [InterruptMessage] = []
        for _ in 0..<TestScale.count(100_000) {
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                let offset = [0, 0x10, random.next()][Int.random(in: 0..<3, using: &random)]
                let value =
                    offset == 0 ? random.next() & 0x4F : random.next() >> UInt64.random(in: 0..<64, using: &random)
                chip.write(offset: offset, width: Int.random(in: 0..<8, using: &random) == 0 ? 2 : 4, value: value)
                // A changed entry may end anything.
                waiting = []
            case 1: _ = chip.read(offset: random.next() & 0x1F, width: 4)
            case 2: chip.line(pin: Int.random(in: 0..<24, using: &random)).setLevel(Bool.random(using: &random))
            default:
                let vector = UInt8.random(in: 0...255, using: &random)
                chip.endOfInterrupt(vector: vector)
                waiting.removeAll { UInt8(truncatingIfNeeded: $0.data) == vector }
            }
            for case .message(let message) in sent.take() where message.data & 0x8000 != 0 {
                waiting.append(message)
            }
            #expect(waiting.count <= 24)
        }
    }
}
