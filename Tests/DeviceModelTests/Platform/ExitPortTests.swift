import DeviceModel
import Testing

@Suite("Exit and power-off ports")
struct ExitPortTests {
    private let events = MachineEventLatch()

    @Test(
        "the debug exit ends the run with twice the value plus one, cut to 8 bits",
        arguments: [
            (1, 0x10, 33), (1, 0x00, 1), (1, 0xFF, 255), (1, 0x80, 1), (2, 0x1234, 0x69), (4, 0xFFFF_FFFF, 255),
            (4, 0x8000_0000, 1), (8, .max, 255),
        ] as [(Int, UInt64, UInt8)])
    func debugExit(width: Int, value: UInt64, status: UInt8) {
        let port = DebugExit(events: events)
        #expect(port.read(offset: 0, width: width) == 0)
        port.write(offset: 0, width: width, value: value)
        #expect(events.event == .exit(status: status))
    }

    @Test(
        "the plain exit ends the run with the value's low 8 bits",
        arguments: [(1, 0, 0), (1, 1, 1), (1, 42, 42), (1, 255, 255), (2, 0x1234, 0x34), (4, 0xFFFF_FF00, 0)]
            as [(Int, UInt64, UInt8)])
    func plainExit(width: Int, value: UInt64, status: UInt8) {
        let port = PlainExit(events: events)
        #expect(port.read(offset: 0, width: width) == 0)
        port.write(offset: 0, width: width, value: value)
        #expect(events.event == .exit(status: status))
    }

    @Test("sleep type 0 with the enable bit switches off", arguments: [0x2000, 0x2001, 0xE3FF] as [UInt64])
    func powerOff(value: UInt64) {
        PowerOffPort(events: events).write(offset: 0, width: 2, value: value)
        #expect(events.event == .powerOff)
    }

    @Test(
        "a write without the enable bit, with another sleep type or of one byte does not switch off",
        arguments: [(0, 2, 0x0001), (0, 2, 0x1C00), (0, 2, 0x3400), (0, 1, 0x20), (1, 1, 0x20), (1, 2, 0x2000)]
            as [(UInt64, Int, UInt64)])
    func staysOn(offset: UInt64, width: Int, value: UInt64) {
        let port = PowerOffPort(events: events)
        port.write(offset: offset, width: width, value: value)
        #expect(events.event == nil)
        #expect(port.read(offset: 0, width: 2) == 0)
    }

    @Test("the first event wins")
    func firstEventWins() {
        #expect(events.event == nil)
        PlainExit(events: events).write(offset: 0, width: 1, value: 7)
        PowerOffPort(events: events).write(offset: 0, width: 2, value: 0x2000)
        #expect(events.event == .exit(status: 7))
        #expect(events.event == .exit(status: 7))
    }

    @Test("of events signalled by many threads at once, one is kept for good")
    func concurrentEvents() async {
        let events = events
        let seen = await withTaskGroup(of: MachineEvent?.self) { group in
            for status in 0..<64 as Range<UInt8> {
                group.addTask {
                    events.signal(.exit(status: status))
                    return events.event
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(events.event != nil)
        #expect(seen.allSatisfy { $0 == events.event })
    }
}
