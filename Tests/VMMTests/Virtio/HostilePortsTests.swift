import DeviceModel
import Glibc
import TestSupport
import Testing
import VirtioDriver

@testable import VMM

@Suite("A virtio-console with ports whose driver does not behave")
struct HostilePortsTests {
    private static func makeDriver() throws -> PortsDriver {
        try PortsDriver(
            VirtioConsoleConfiguration(
                window: ConsoleWindow(columns: 80, rows: 25),
                ports: (1...3).map { VirtioPortConfiguration(name: "port\($0)", input: ConsoleInput([1, 2, 3])) }),
            output: .discarding())
    }

    @Test("messages that are too short, unknown, about no port or out of order change nothing")
    func nonsense() throws {
        let driver = try Self.makeDriver()
        try driver.bringUp()
        for bytes in [
            [], [0], [UInt8](repeating: 0, count: 7), [0, 0, 0, 0, 8, 0, 1, 0], [0, 0, 0, 0, 255, 255, 1, 0],
        ] {
            try driver.offer(3, readable: [bytes])
            #expect(try driver.take(3) == [])
        }
        for event in VirtioConsoleMessage.Event.allCases where event != .deviceReady {
            for port in [0, 1, 3, 4, .max] as [UInt32] { try driver.say(event, port) }
        }
        #expect(!driver.hasControlMessage)
        try driver.say(.deviceReady, 0)
        for port in [4, 1000, .max] as [UInt32] { try driver.say(.portReady, port) }
        // Of the ports only what is first: none is set up.
        for port in 0..<4 { #expect(try driver.hear() == "\(port) portAdd 0") }
        #expect(!driver.hasControlMessage)
    }

    @Test("a message in many pieces, with more behind it, or with room to write is one")
    func pieces() throws {
        let driver = try Self.makeDriver()
        try driver.bringUp()
        let message = VirtioConsoleMessage(port: 0, event: .deviceReady, value: 1).bytes
        try driver.offer(3, readable: message.map { [$0] } + [[9, 9, 9]], writable: [16])
        #expect(try driver.take(3) == [])
        #expect(try driver.hear() == "0 portAdd 0")
    }

    @Test("room that is too small for what is to be told comes back empty, and the message waits")
    func smallRoom() throws {
        let driver = try Self.makeDriver()
        try driver.bringUp()
        try driver.say(.deviceReady, 0)
        for room in 1...7 as ClosedRange<UInt32> { #expect(try driver.hear(room: room) == "[]") }
        try driver.offer(2, readable: [[1, 2, 3]])
        #expect(try driver.take(2) == [])
        #expect(try driver.hear(room: 8) == "0 portAdd 0")
        #expect(driver.transport.fault == nil)
    }

    @Test("who takes no messages is told later what is true then")
    func noBuffers() throws {
        let window = ConsoleWindow(columns: 1, rows: 1)
        let driver = try PortsDriver(
            VirtioConsoleConfiguration(window: window, ports: [VirtioPortConfiguration(name: "a")]),
            output: .discarding())
        _ = try driver.openAll()
        for round in 0..<TestScale.count(100_000) {
            window.resize(columns: UInt16(truncatingIfNeeded: round), rows: 7)
        }
        window.resize(columns: 3, rows: 7)
        #expect(try driver.hear() == "0 resize 0 [3, 0, 7, 0]")
        #expect(!driver.hasControlMessage)
    }

    @Test("a flood of messages is taken, and the device serves a driver that does it right")
    func flood() throws {
        let driver = try Self.makeDriver()
        try driver.bringUp()
        let messages = [(0, 1), (0, 0), (3, 1), (6, 1), (6, 0), (0, 1)].map { event, value in
            [1, 0, 0, 0, UInt8(event), 0, UInt8(value), 0] as [UInt8]
        }
        var taken = 0
        let count = TestScale.count(20_000)
        for round in 0..<count {
            while try driver.queues[3].add(readable: [messages[round % messages.count]]) == nil {
                if try driver.queues[3].takeBuffers() != nil { taken += 1 }
            }
            if try driver.queues[3].publish() { driver.transport.set(.queueNotify, 3) }
        }
        #expect(
            try eventually {
                while try driver.queues[3].takeBuffers() != nil { taken += 1 }
                return taken == count
            })
        #expect(try driver.openAll().count == 9)
    }

    /// What a driver does that knows no rule, with all threads at work.
    @Test("no sequence of a driver's steps traps or hangs", arguments: 1...6)
    func hostile(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let window = ConsoleWindow(columns: 80, rows: 25)
        let pipe = HostPipe(flags: O_NONBLOCK)
        let source = ConsoleInput(queueOf: 4096)
        let driver = try PortsDriver(
            VirtioConsoleConfiguration(
                window: window,
                ports: [
                    VirtioPortConfiguration(name: "a", output: ConsoleOutput(descriptor: pipe.writeEnd.number)),
                    VirtioPortConfiguration(name: "b", input: source), VirtioPortConfiguration(name: "c"),
                ]), output: .discarding())
        let size = UInt64(driver.memory.regions[0].size)
        for _ in 0..<TestScale.count(50_000) {
            let queue = Int.random(in: 0..<10, using: &random)
            switch Int.random(in: 0..<14, using: &random) {
            case 0 where Int.random(in: 0..<20, using: &random) == 0: try driver.bringUp()
            case 1 where Int.random(in: 0..<50, using: &random) == 0:
                driver.transport.set(.status, UInt64.random(in: 0...255, using: &random))
            case 2:
                driver.transport.set(.queueSelect, UInt64(queue))
                if Int.random(in: 0..<50, using: &random) == 0 { driver.transport.set(.queueReady, 0) }
            case 3: driver.transport.set(.queueReady, 1)
            case 4: driver.transport.set(.queueNotify, UInt64(queue))
            case 5: driver.transport.set(.interruptAcknowledge, driver.transport.get(.interruptStatus))
            case 6: _ = source.append([UInt8](repeating: 7, count: Int.random(in: 1...64, using: &random)))
            case 7:
                window.resize(columns: UInt16.random(in: 0...3, using: &random), rows: 1)
                driver.transport.write(offset: 0x100 + UInt64(queue), width: 4, value: 7)
            case 8 where Int.random(in: 0..<20, using: &random) == 0:
                let value = UInt64.random(in: 0...UInt64.max, using: &random)
                try driver.memory.store(value, at: GuestAddress(UInt64.random(in: 0...size - 8, using: &random)))
            case 9, 10, 11:
                // Messages that may mean something, and such that do not.
                let bytes: [UInt8] = [
                    UInt8.random(in: 0...5, using: &random), 0, 0, UInt8.random(in: 0...9, using: &random) == 0 ? 1 : 0,
                    UInt8.random(in: 0...8, using: &random), 0, UInt8.random(in: 0...3, using: &random), 0,
                ]
                _ = try? driver.queues[3].add(readable: [Array(bytes.prefix(Int.random(in: 1...9, using: &random)))])
                _ = try? driver.queues[3].takeBuffers()
                if try driver.queues[3].publish() { driver.transport.set(.queueNotify, 3) }
            case 12:
                _ = try? driver.queues[2].add(readable: [], writable: [UInt32.random(in: 0...64, using: &random)])
                _ = try? driver.queues[2].takeBuffers()
                if try driver.queues[2].publish() { driver.transport.set(.queueNotify, 2) }
            default:
                try driver.queues[queue].offer(UInt16.random(in: 0...16, using: &random))
                _ = try driver.queues[queue].publish()
            }
            if pipe.waitingCount > 32_768 { _ = pipe.read(upTo: 65_536) }
        }
        // A driver that does it right is served.
        driver.transport.set(.status, 0)
        #expect(try driver.openAll().count == 9)
        try driver.send([1, 2, 3], port: 3)
        #expect(driver.control.outcome == nil)
    }
}
