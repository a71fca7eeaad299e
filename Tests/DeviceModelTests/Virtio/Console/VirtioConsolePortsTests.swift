import TestSupport
import Testing

@testable import DeviceModel

@Suite("What a driver of a virtio-console with ports says and is told")
struct VirtioConsolePortsTests {
    private static func makePorts(size: ConsoleSize? = nil, open: [Bool] = [true, false]) -> VirtioConsolePorts {
        let console = VirtioConsolePort(name: [], isConsole: true, isHostOpen: true)
        let others = open.enumerated().map { index, isOpen in
            VirtioConsolePort(name: Array("p\(index + 1)".utf8), isConsole: false, isHostOpen: isOpen)
        }
        return VirtioConsolePorts([console] + others, size: size)
    }

    /// What it is told until there is nothing more, in words.
    private static func drain(_ ports: inout VirtioConsolePorts) -> [String] {
        var told: [String] = []
        while let bytes = ports.takeMessage(upTo: 4096) {
            guard let message = VirtioConsoleMessage(bytes) else { return told + ["no message"] }
            let rest = Array(bytes.dropFirst(8))
            told.append("\(message.port) \(message.event) \(message.value)\(rest.isEmpty ? "" : " \(rest)")")
        }
        #expect(!ports.hasMessage)
        return told
    }

    private static func say(
        _ ports: inout VirtioConsolePorts, _ event: VirtioConsoleMessage.Event, _ port: UInt32, _ value: UInt16 = 1
    ) {
        ports.receive(VirtioConsoleMessage(port: port, event: event, value: value))
    }

    @Test("a message has the bytes that the specification says, and only those are one")
    func bytes() {
        let message = VirtioConsoleMessage(port: 0x0403_0201, event: .portName, value: 0x0908)
        #expect(message.bytes == [1, 2, 3, 4, 7, 0, 8, 9])
        #expect(VirtioConsoleMessage([1, 2, 3, 4, 7, 0, 8, 9, 0xFF]) == message)
        for count in 0..<8 { #expect(VirtioConsoleMessage([UInt8](repeating: 0, count: count)) == nil) }
        for event in UInt16(8)...UInt16.max {
            let bytes = [0, 0, 0, 0, UInt8(truncatingIfNeeded: event), UInt8(event >> 8), 0, 0]
            #expect(VirtioConsoleMessage(bytes) == nil)
        }
    }

    @Test("nothing is told before the driver is ready; then each port is, and of each that is set up the rest")
    func begin() {
        var ports = Self.makePorts(size: ConsoleSize(columns: 80, rows: 0x119))
        #expect(Self.drain(&ports) == [])
        Self.say(&ports, .deviceReady, .max)
        #expect(Self.drain(&ports) == ["0 portAdd 0", "1 portAdd 0", "2 portAdd 0"])
        Self.say(&ports, .portReady, 2)
        #expect(Self.drain(&ports) == ["2 portName 1 [112, 50]"])
        Self.say(&ports, .portReady, 0)
        Self.say(&ports, .portReady, 1)
        #expect(
            Self.drain(&ports) == [
                "0 consolePort 1", "0 resize 0 [80, 0, 25, 1]", "0 portOpen 1", "1 portName 1 [112, 49]",
                "1 portOpen 1",
            ])
    }

    @Test("a driver that repeats itself is told nothing twice")
    func repetition() {
        var ports = Self.makePorts()
        Self.say(&ports, .deviceReady, 0)
        _ = Self.drain(&ports)
        for port in 0..<3 as Range<UInt32> { Self.say(&ports, .portReady, port) }
        _ = Self.drain(&ports)
        let before = ports
        Self.say(&ports, .deviceReady, 7)
        for port in 0..<3 as Range<UInt32> { Self.say(&ports, .portReady, port) }
        #expect(ports == before)
    }

    @Test("a driver that has failed knows of no port, and can begin anew")
    func failure() {
        var ports = Self.makePorts()
        let fresh = ports
        Self.say(&ports, .deviceReady, 0)
        _ = ports.takeMessage(upTo: 8)
        Self.say(&ports, .portReady, 0)
        Self.say(&ports, .portOpen, 0)
        #expect(ports.ports[0].isGuestOpen)
        Self.say(&ports, .deviceReady, 0, 0)
        #expect(ports == fresh)
        Self.say(&ports, .deviceReady, 0)
        #expect(Self.drain(&ports).count == 3)
        ports.reset()
        #expect(ports == fresh)
    }

    @Test("a port that the driver could not set up is left alone")
    func failedPort() {
        var ports = Self.makePorts()
        Self.say(&ports, .deviceReady, 0)
        _ = Self.drain(&ports)
        Self.say(&ports, .portReady, 1, 0)
        Self.say(&ports, .portReady, 1)
        Self.say(&ports, .portOpen, 1)
        ports.setHostOpen(false, port: 1)
        #expect(Self.drain(&ports) == [])
        #expect(ports.ports[1].stage == .failed && !ports.ports[1].isGuestOpen)
    }

    @Test("whoever comes to a port's other end and goes is told, but for what was taken back before")
    func hostEnd() {
        var ports = Self.makePorts()
        Self.say(&ports, .deviceReady, 0)
        _ = Self.drain(&ports)
        ports.setHostOpen(true, port: 2)
        #expect(Self.drain(&ports) == [])
        for port in 0..<3 as Range<UInt32> { Self.say(&ports, .portReady, port) }
        _ = Self.drain(&ports)
        #expect(ports.ports.map(\.toldOpen) == [true, true, true])
        ports.setHostOpen(false, port: 1)
        #expect(Self.drain(&ports) == ["1 portOpen 0"])
        ports.setHostOpen(true, port: 1)
        ports.setHostOpen(false, port: 1)
        #expect(Self.drain(&ports) == [])
        for _ in 0..<1000 {
            ports.setHostOpen(true, port: 1)
            ports.setHostOpen(false, port: 2)
        }
        #expect(Self.drain(&ports) == ["1 portOpen 1", "2 portOpen 0"])
        ports.setHostOpen(true, port: 3)
        ports.setHostOpen(true, port: -1)
        #expect(Self.drain(&ports) == [])
    }

    @Test("the last of many sizes is told, once, and to the console alone")
    func sizes() {
        var ports = Self.makePorts()
        Self.say(&ports, .deviceReady, 0)
        _ = Self.drain(&ports)
        for port in 0..<3 as Range<UInt32> { Self.say(&ports, .portReady, port) }
        #expect(Self.drain(&ports).allSatisfy { !$0.contains("resize") })
        for columns in 1...1000 as ClosedRange<UInt16> { ports.resize(to: ConsoleSize(columns: columns, rows: 5)) }
        #expect(Self.drain(&ports) == ["0 resize 0 [232, 3, 5, 0]"])
        ports.resize(to: ConsoleSize(columns: 1000, rows: 5))
        #expect(Self.drain(&ports) == [])
    }

    @Test("a message that does not fit stays, and nothing is told before it")
    func room() {
        var ports = Self.makePorts(open: [true])
        Self.say(&ports, .deviceReady, 0)
        #expect(ports.takeMessage(upTo: 7) == nil && ports.hasMessage)
        _ = Self.drain(&ports)
        Self.say(&ports, .portReady, 1)
        #expect(ports.takeMessage(upTo: 9) == nil && ports.hasMessage)
        #expect(ports.takeMessage(upTo: 10)?.suffix(2) == Array("p1".utf8)[...])
        #expect(ports.takeMessage(upTo: 8) == [1, 0, 0, 0, 6, 0, 1, 0])
        #expect(ports.takeMessage(upTo: .max) == nil && !ports.hasMessage)
    }

    /// Against what must hold whatever is said: ports are added once between two failures, of those that are not set up nothing else
    /// is told, and what is told last of an end is true.
    @Test("no sequence of messages breaks a rule of the device", arguments: 1...10)
    func hostile(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var ports = Self.makePorts(size: ConsoleSize(columns: 1, rows: 1), open: [true, false, true])
        var added: Set<UInt32> = []
        var open: [UInt32: UInt16] = [:]
        for _ in 0..<TestScale.count(50_000) {
            switch Int.random(in: 0..<8, using: &random) {
            case 0: ports.setHostOpen(Bool.random(using: &random), port: Int.random(in: -1...5, using: &random))
            case 1: ports.resize(to: ConsoleSize(columns: UInt16.random(in: 0...3, using: &random), rows: 1))
            case 2, 3:
                guard let bytes = ports.takeMessage(upTo: UInt64.random(in: 0...16, using: &random)) else { continue }
                guard let message = VirtioConsoleMessage(bytes) else {
                    Issue.record("\(bytes) is no message")
                    return
                }
                #expect(message.port < 4)
                if message.event == .portAdd {
                    #expect(added.insert(message.port).inserted)
                } else {
                    #expect(added.contains(message.port))
                }
                if message.event == .portOpen { open[message.port] = message.value }
                #expect([.portAdd, .consolePort, .resize, .portName, .portOpen].contains(message.event))
            default:
                var bytes = (0..<8).map { _ in UInt8.random(in: 0...255, using: &random) }
                if Int.random(in: 0..<10, using: &random) > 0 {
                    bytes =
                        [UInt8.random(in: 0...4, using: &random), 0, 0, 0, UInt8.random(in: 0...8, using: &random), 0]
                        + [Int.random(in: 0..<4, using: &random) == 0 ? 0 : 1, 0]
                }
                guard let message = VirtioConsoleMessage(bytes) else { continue }
                if message.event == .deviceReady, message.value == 0, Int.random(in: 0..<50, using: &random) > 0 {
                    continue
                }
                ports.receive(message)
                if message.event == .deviceReady, message.value == 0 { (added, open) = ([], [:]) }
            }
        }
        while let bytes = ports.takeMessage(upTo: 64), let message = VirtioConsoleMessage(bytes) {
            if message.event == .portOpen { open[message.port] = message.value }
        }
        for (index, port) in ports.ports.enumerated() where port.stage == .ready {
            #expect((open[UInt32(index)] ?? 0) == (port.isHostOpen ? 1 : 0))
        }
    }
}
