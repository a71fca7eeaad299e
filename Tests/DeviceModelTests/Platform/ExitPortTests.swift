import DeviceModel
import Testing

@Suite("Exit and panic ports")
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

    @Test("at its second port, QEMU's default one, it has QEMU's status")
    func defaultPort() {
        PlainExit(events: events).write(offset: 1, width: 1, value: 16)
        #expect(events.event == .exit(status: 33))
    }

    @Test("the panic port takes panics and kernels that save what can be saved, and ends the run at a panic")
    func panic() {
        let port = PanicPort(events: events)
        #expect(port.read(offset: 0, width: 1) == 3)
        port.write(offset: 0, width: 1, value: 0xFE)
        port.write(offset: 1, width: 1, value: 1)
        #expect(events.event == nil)
        port.write(offset: 0, width: 1, value: 1)
        #expect(events.event == .panic)
    }

    @Test("the first event wins")
    func firstEventWins() {
        #expect(events.event == nil)
        PlainExit(events: events).write(offset: 0, width: 1, value: 7)
        PanicPort(events: events).write(offset: 0, width: 1, value: 1)
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
