import DeviceModel
import Testing

@Suite("CMOS clock")
struct CMOSClockTests {
    /// 2026-10-09 23:58:47 UTC, a Friday.
    private let clock = CMOSClock(now: { 1_791_590_327 })

    private func read(_ index: UInt64, from clock: CMOSClock? = nil) -> UInt64 {
        let clock = clock ?? self.clock
        clock.write(offset: 0, width: 1, value: index)
        return clock.read(offset: 1, width: 1)
    }

    private func write(_ index: UInt64, _ value: UInt64) {
        clock.write(offset: 0, width: 1, value: index)
        clock.write(offset: 1, width: 1, value: value)
    }

    /// Second, minute, hour, weekday, day, month, year and century.
    private func time(of clock: CMOSClock? = nil) -> [UInt64] {
        [0x00, 0x02, 0x04, 0x06, 0x07, 0x08, 0x09, 0x32].map { read($0, from: clock) }
    }

    @Test("after reset it shows BCD and 24 hours")
    func showsBCD() {
        #expect(read(0x0B) == 0x02)
        #expect(time() == [0x47, 0x58, 0x23, 0x06, 0x09, 0x10, 0x26, 0x20])
    }

    @Test("it shows binary and 24 hours when register B says so")
    func showsBinary() {
        write(0x0B, 0x06)
        #expect(time() == [47, 58, 23, 6, 9, 10, 26, 20])
    }

    @Test("it shows 12 hours with the afternoon in bit 7 when register B says so")
    func showsTwelveHours() {
        write(0x0B, 0x00)
        #expect(read(0x04) == 0x91)
        write(0x0B, 0x04)
        #expect(read(0x04) == 0x8B)
    }

    @Test(
        "midnight and noon are 12 on a clock of 12 hours",
        arguments: [(0, 0x12), (1, 0x01), (11, 0x11), (12, 0x92), (13, 0x81), (23, 0x91)] as [(Int64, UInt64)])
    func noonAndMidnight(hour: Int64, shown: UInt64) {
        let clock = CMOSClock(now: { hour * 3600 })
        clock.write(offset: 0, width: 1, value: 0x0B)
        clock.write(offset: 1, width: 1, value: 0x00)
        #expect(read(0x04, from: clock) == shown)
    }

    @Test("it is never caught in an update, has no interrupt pending and a good battery")
    func controlRegisters() {
        #expect(read(0x0A) == 0x26)
        write(0x0A, 0xFF)
        #expect(read(0x0A) == 0x7F)
        write(0x0C, 0xFF)
        #expect(read(0x0C) == 0x00)
        write(0x0D, 0x00)
        #expect(read(0x0D) == 0x80)
    }

    @Test("the host owns the time: writing it changes nothing")
    func timeCannotBeSet() {
        for index in [0x00, 0x02, 0x04, 0x06, 0x07, 0x08, 0x09, 0x32] as [UInt64] {
            write(index, 0x01)
        }
        #expect(time() == [0x47, 0x58, 0x23, 0x06, 0x09, 0x10, 0x26, 0x20])
    }

    @Test("the other bytes are storage, each for itself")
    func storage() {
        let stored = ([0x01, 0x03, 0x05] + Array(0x0E...0x31) + Array(0x33...0x7F)) as [UInt64]
        #expect(stored.allSatisfy { read($0) == 0 })
        for index in stored {
            write(index, index ^ 0xFF)
        }
        #expect(stored.allSatisfy { read($0) == $0 ^ 0xFF })
    }

    @Test("bit 7 of the index, which masks NMIs, does not choose another register")
    func ignoresNMIMask() {
        write(0x8F, 0x5A)
        #expect(read(0x0F) == 0x5A)
        #expect(read(0x8F) == 0x5A)
        #expect(read(0x80) == 0x47)
    }

    @Test("the index port cannot be read")
    func indexIsWriteOnly() {
        write(0x0F, 0x11)
        #expect(clock.read(offset: 0, width: 1) == 0xFF)
        #expect(clock.read(offset: 0, width: 2) == 0x11FF)
        #expect(clock.read(offset: 2, width: 1) == 0xFF)
    }

    @Test("a 16-bit write chooses the register and writes it, as on the ISA bus")
    func wideWrite() {
        clock.write(offset: 0, width: 2, value: 0x770F)
        #expect(read(0x0F) == 0x77)
    }

    @Test(
        "any time can be shown, century and leap days included",
        arguments: [
            (0, [0x00, 0x00, 0x00, 0x05, 0x01, 0x01, 0x70, 0x19]),
            (-1, [0x59, 0x59, 0x23, 0x04, 0x31, 0x12, 0x69, 0x19]),
            (946_684_799, [0x59, 0x59, 0x23, 0x06, 0x31, 0x12, 0x99, 0x19]),
            (951_782_400, [0x00, 0x00, 0x00, 0x03, 0x29, 0x02, 0x00, 0x20]),
            (951_868_800, [0x00, 0x00, 0x00, 0x04, 0x01, 0x03, 0x00, 0x20]),
            (1_709_164_800, [0x00, 0x00, 0x00, 0x05, 0x29, 0x02, 0x24, 0x20]),
            (4_107_542_400, [0x00, 0x00, 0x00, 0x02, 0x01, 0x03, 0x00, 0x21]),
            (-2_203_891_200, [0x00, 0x00, 0x00, 0x05, 0x01, 0x03, 0x00, 0x19]),
        ] as [(Int64, [UInt64])])
    func knownTimes(seconds: Int64, shown: [UInt64]) {
        #expect(time(of: CMOSClock(now: { seconds })) == shown)
    }

    @Test("the ends of time do no harm", arguments: [.min, .min + 1, .max - 1, .max] as [Int64])
    func extremeTimes(seconds: Int64) {
        let clock = CMOSClock(now: { seconds })
        for shown in time(of: clock) {
            #expect(shown & 0x0F <= 9)
            #expect(shown >> 4 <= 9)
        }
    }
}
