import DeviceModel
import Synchronization
import TestSupport
import Testing

/// The registers once more, as tables 4.11 to 4.14 of ACPI 6.5 list them: bit by bit.
private struct BitTable {
    private enum Kind { case zero, one, clearedByOne, kept, timer }

    private var bits = [Bool](repeating: false, count: 96)

    private static func kind(_ bit: Int) -> Kind {
        switch bit {
        case 0..<16: .clearedByOne
        case 16 + 0, 16 + 5, 16 + 8, 16 + 9, 16 + 10: .kept
        case 32: .one
        case 33, 42...44: .kept
        case 64...: .timer
        default: .zero
        }
    }

    var isHigh: Bool { (0..<16).contains { bits[$0] && bits[16 + $0] } }

    mutating func press() { bits[8] = true }

    /// - Returns: whether it switches off.
    mutating func write(_ offset: UInt64, _ width: Int, _ value: UInt64) -> Bool {
        var isOff = false
        for index in 0..<width * 8 {
            let (bit, overflow) = Int(truncatingIfNeeded: offset).multipliedReportingOverflow(by: 8)
            let place = bit + index
            guard !overflow, offset < 12, place < 96 else { continue }
            let isSet = value >> UInt64(index) & 1 != 0
            switch Self.kind(place) {
            case .clearedByOne: if isSet { bits[place] = false }
            case .kept: bits[place] = isSet
            default: break
            }
            if place == 45, isSet {
                let type = (42...44).map { value >> UInt64($0 - bit) & 1 }
                isOff = type == [0, 0, 0] || type == [1, 0, 1]
            }
        }
        return isOff
    }

    func read(_ offset: UInt64, _ width: Int, _ nanoseconds: Int64) -> UInt64 {
        let ticks = UInt128(UInt64(bitPattern: nanoseconds)) * 3_579_545 / 1_000_000_000
        var value: UInt64 = 0
        for index in 0..<width * 8 where offset < 12 {
            let place = Int(offset) * 8 + index
            guard place < 96 else { break }
            let isSet =
                switch Self.kind(place) {
                case .one: true
                case .timer: ticks >> UInt128(place - 64) & 1 != 0
                default: bits[place]
                }
            if isSet { value |= 1 << UInt64(index) }
        }
        return value
    }
}

@Suite("Power management")
struct PowerManagementTests {
    private let events = MachineEventLatch()
    private let line = LevelRecorder()

    private func makeDevice() -> PowerManagement {
        PowerManagement(events: events, interrupt: line) { 0 }
    }

    @Test("an enabled power button raises the line until its status is cleared")
    func powerButton() {
        let device = makeDevice()
        device.write(offset: 2, width: 2, value: 0x0100)
        #expect(line.levels == [])
        device.pressPowerButton()
        device.pressPowerButton()
        #expect(line.levels == [true])
        #expect(device.read(offset: 0, width: 2) == 0x0100)
        device.write(offset: 0, width: 2, value: 0xFEFF)
        #expect(line.levels == [true])
        device.write(offset: 0, width: 2, value: 0x0100)
        #expect(line.levels == [true, false])
        #expect(device.read(offset: 0, width: 4) == 0x0100_0000)
    }

    @Test("one that is not enabled interrupts when it is enabled afterwards")
    func enabledLater() {
        let device = makeDevice()
        device.pressPowerButton()
        #expect(line.levels == [])
        device.write(offset: 3, width: 1, value: 0x01)
        #expect(line.levels == [true])
        device.write(offset: 2, width: 2, value: 0)
        #expect(line.levels == [true, false])
    }

    @Test(
        "SLP_EN with either type of soft off switches off, in a word or in its byte",
        arguments: [
            (4, 2, 0x2000), (4, 2, 0x2001), (4, 2, 0xE3FF), (4, 2, 0x3400), (5, 1, 0x20), (5, 1, 0x34), (4, 4, 0x2000),
        ] as [(UInt64, Int, UInt64)])
    func powerOff(offset: UInt64, width: Int, value: UInt64) {
        makeDevice().write(offset: offset, width: width, value: value)
        #expect(events.event == .powerOff)
    }

    @Test(
        "without SLP_EN, with another type or elsewhere nothing is switched off",
        arguments: [
            (4, 2, 0x0001), (4, 2, 0x1C00), (4, 2, 0x2400), (4, 2, 0x3C00), (4, 1, 0x20), (6, 2, 0x2000),
            (2, 2, 0x2000),
            (8, 4, 0x2000),
        ] as [(UInt64, Int, UInt64)])
    func staysOn(offset: UInt64, width: Int, value: UInt64) {
        makeDevice().write(offset: offset, width: width, value: value)
        #expect(events.event == nil)
    }

    @Test("events always interrupt by the SCI, and the sleep type reads back without SLP_EN")
    func control() {
        let device = makeDevice()
        #expect(device.read(offset: 4, width: 2) == 0x0001)
        device.write(offset: 4, width: 2, value: 0x3C02)
        #expect(device.read(offset: 4, width: 2) == 0x1C03)
        device.write(offset: 4, width: 2, value: 0)
        #expect(device.read(offset: 4, width: 2) == 0x0001)
    }

    @Test(
        "the timer counts 3,579,545 ticks a second and begins again after 32 bits",
        arguments: [
            (0, 0), (279, 0), (280, 1), (1_000_000_000, 3_579_545), (1_199_864_031_881, 0xFFFF_FFFF),
            (1_199_864_031_882, 0), (-1, 0),
        ] as [(Int64, UInt64)])
    func timer(nanoseconds: Int64, ticks: UInt64) {
        let device = PowerManagement(events: events, interrupt: line) { nanoseconds }
        guard nanoseconds >= 0 else {
            // The longest time there is.
            let all = UInt128(UInt64.max) * 3_579_545 / 1_000_000_000
            #expect(device.read(offset: 8, width: 4) == UInt64(truncatingIfNeeded: all & 0xFFFF_FFFF))
            return
        }
        #expect(device.read(offset: 8, width: 4) == ticks)
        #expect(device.read(offset: 10, width: 1) == ticks >> 16 & 0xFF)
    }

    @Test("100,000 random steps match the table of bits", arguments: 1...3 as ClosedRange<UInt64>)
    func random(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var (registers, table) = (PowerManagementRegisters(), BitTable())
        for step in 0..<100_000 {
            let width = Int.random(in: 1...8, using: &random)
            let offset = step % 64 == 0 ? random.next() : random.next() % 14
            let value = random.next()
            switch random.next() % 4 {
            case 0:
                registers.pressPowerButton()
                table.press()
            case 1:
                let time = Int64(bitPattern: random.next())
                let read = registers.read(offset: offset, width: width, nanoseconds: time)
                guard read == table.read(offset, width, time) else {
                    Issue.record("seed \(seed), step \(step): \(width) bytes at \(offset) read \(read)")
                    return
                }
            default:
                let isOff = registers.write(offset: offset, width: width, value: value)
                guard isOff == table.write(offset, width, value) else {
                    Issue.record("seed \(seed), step \(step): \(value) at \(offset), \(width) bytes, gave \(isOff)")
                    return
                }
            }
            guard registers.interrupts == table.isHigh else {
                Issue.record("seed \(seed), step \(step): the line is \(registers.interrupts)")
                return
            }
        }
    }
}
