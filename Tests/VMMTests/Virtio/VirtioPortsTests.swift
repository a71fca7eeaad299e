import DeviceModel
import Glibc
import KVM
import LinuxHost
import Synchronization
import TestSupport
import Testing
import VirtioDriver

@testable import VMM

@Suite("A virtio-console with ports")
struct VirtioPortsTests {
    private static func port(_ name: String, _ output: ConsoleOutput = .discarding(), _ input: ConsoleInput? = nil)
        -> VirtioPortConfiguration
    {
        VirtioPortConfiguration(name: name, output: output, input: input)
    }

    @Test("it tells of its ports, their names and ends, and the console's size")
    func beginning() throws {
        let window = ConsoleWindow(columns: 80, rows: 25)
        let driver = try PortsDriver(
            VirtioConsoleConfiguration(window: window, ports: [Self.port("a"), Self.port("bc")]),
            output: ConsoleOutput())
        #expect(driver.transport.read(offset: 0x100, width: 8) == 3 << 32 | 25 << 16 | 80)
        #expect(
            try driver.openAll() == [
                "0 consolePort 1", "0 resize 0 [80, 0, 25, 0]", "0 portOpen 1", "1 portName 1 [97]", "1 portOpen 1",
                "2 portName 1 [98, 99]", "2 portOpen 1",
            ])
        // After a reset all begins anew.
        #expect(try driver.openAll().count == 7)
    }

    @Test("who asks for sizes gets the present one at once: none is lost in between")
    func observesSize() {
        let window = ConsoleWindow(columns: 80, rows: 25)
        window.resize(columns: 3, rows: 4)
        let seen = Mutex<[ConsoleSize]>([])
        window.observe { size in seen.withLock { $0.append(size) } }
        window.resize(columns: 5, rows: 6)
        #expect(seen.withLock { $0 } == [ConsoleSize(columns: 3, rows: 4), ConsoleSize(columns: 5, rows: 6)])
    }

    @Test("a new size is in the configuration, an interrupt and a message")
    func newSize() throws {
        let window = ConsoleWindow(columns: 80, rows: 25)
        let driver = try PortsDriver(
            VirtioConsoleConfiguration(window: window, ports: [Self.port("a")]), output: ConsoleOutput())
        _ = try driver.openAll()
        driver.transport.set(.interruptAcknowledge, driver.transport.get(.interruptStatus))
        let generation = driver.transport.get(.configurationGeneration)
        window.resize(columns: 80, rows: 25)
        #expect(driver.transport.get(.interruptStatus) == 0)
        window.resize(columns: 0x1234, rows: 0x5678)
        #expect(driver.transport.get(.interruptStatus) == 2)
        #expect(driver.transport.get(.configurationGeneration) == generation + 1)
        #expect(driver.transport.read(offset: 0x100, width: 4) == 0x5678_1234)
        #expect(try driver.hear() == "0 resize 0 [52, 18, 120, 86]")
        // Of many at once the last.
        for rows in 1...1000 as ClosedRange<UInt16> { window.resize(columns: 1, rows: rows) }
        #expect(try driver.hear() == "0 resize 0 [1, 0, 232, 3]")
        #expect(!driver.hasControlMessage)
    }

    @Test(
        "the console alone has a size too, and a driver that does not want it is not interrupted",
        arguments: [true, false])
    func sizeAlone(wantsSize: Bool) throws {
        let window = ConsoleWindow(columns: 80, rows: 25)
        let driver = try PortsDriver(
            VirtioConsoleConfiguration(window: window), output: ConsoleOutput(),
            features: VirtioMMIO.version1 | (wantsSize ? VirtioFeatures.consoleSize.rawValue : 0))
        // Before there is a driver, and while one begins.
        window.resize(columns: 81, rows: 25)
        driver.transport.negotiate(features: VirtioMMIO.version1)
        window.resize(columns: 82, rows: 25)
        try driver.bringUp()
        driver.transport.set(.interruptAcknowledge, driver.transport.get(.interruptStatus))
        #expect(driver.transport.read(offset: 0x100, width: 8) == 25 << 16 | 82)
        window.resize(columns: 83, rows: 26)
        #expect(driver.transport.get(.interruptStatus) == (wantsSize ? 2 : 0))
        #expect(driver.transport.read(offset: 0x100, width: 8) == 26 << 16 | 83)
    }

    @Test("features that there is nothing for are not offered")
    func features() throws {
        for (configuration, bits) in [
            (VirtioConsoleConfiguration(), 4),
            (VirtioConsoleConfiguration(window: ConsoleWindow(columns: 1, rows: 1)), 5),
            (VirtioConsoleConfiguration(ports: [Self.port("a")]), 6),
        ] as [(VirtioConsoleConfiguration, UInt64)] {
            let driver = try PortsDriver(configuration, output: ConsoleOutput(), features: VirtioMMIO.version1)
            driver.transport.set(.deviceFeaturesSelect, 0)
            #expect(driver.transport.get(.deviceFeatures) & 7 == bits)
            driver.transport.set(.queueSelect, 2)
            #expect(driver.transport.get(.queueSizeMaximum) == (bits == 6 ? 256 : 0))
            driver.transport.set(.queueSelect, 6)
            #expect(driver.transport.get(.queueSizeMaximum) == 0)
        }
    }

    @Test("to a driver that knows of one port there is nothing else, and that port is open")
    func onePort() throws {
        let (output, other) = (ConsoleOutput(), ConsoleOutput())
        let driver = try PortsDriver(
            VirtioConsoleConfiguration(input: ConsoleInput([7]), ports: [Self.port("a", other)]), output: output,
            features: VirtioMMIO.version1)
        try driver.bringUp()
        try driver.offer(0, readable: [], writable: [4])
        #expect(try driver.take(0) == [7])
        try driver.send([1, 2], port: 0)
        #expect(output.collected == [1, 2])
        try driver.offer(3, readable: [VirtioConsoleMessage(port: 0, event: .deviceReady, value: 1).bytes])
        try driver.offer(5, readable: [[3]])
        driver.transport.set(.queueNotify, 3)
        driver.transport.set(.queueNotify, 5)
        usleep(20_000)
        #expect(try driver.queues[3].takeBuffers() == nil)
        #expect(other.collected == [] && !driver.hasControlMessage)
    }

    @Test("each port has its own bytes, and gets input only while the guest has it open")
    func bytes() throws {
        let outputs = (0..<3).map { _ in ConsoleOutput() }
        let source = ConsoleInput(queueOf: 100)
        let driver = try PortsDriver(
            VirtioConsoleConfiguration(ports: [Self.port("a", outputs[1], source), Self.port("b", outputs[2])]),
            output: outputs[0])
        _ = try driver.openAll()
        for port in 0..<3 { try driver.send([UInt8(port), 9], port: port) }
        for port in 0..<3 { #expect(outputs[port].collected == [UInt8(port), 9]) }
        try driver.say(.portOpen, 1, 0)
        try driver.offer(4, readable: [], writable: [10])
        #expect(source.append([1, 2, 3]) == 3)
        usleep(20_000)
        #expect(source.unreadCount == 3)
        try driver.say(.portOpen, 1)
        #expect(try driver.take(4) == [1, 2, 3])
        #expect(
            driver.portReports == [
                VirtioPortReport(name: "a", bytes: 2, droppedBytes: 0, failure: nil),
                VirtioPortReport(name: "b", bytes: 2, droppedBytes: 0, failure: nil),
            ])
    }

    @Test("a port whose reader is gone is closed, what is sent there is counted, and all else goes on")
    func readerGone() throws {
        _ = signal(SIGPIPE, SIG_IGN)
        let (pipe, output) = (HostPipe(), ConsoleOutput())
        let driver = try PortsDriver(
            VirtioConsoleConfiguration(ports: [
                Self.port("gone", ConsoleOutput(descriptor: pipe.writeEnd.number)), Self.port("there", output),
            ]), output: ConsoleOutput())
        _ = try driver.openAll()
        try driver.send([1, 2, 3], port: 1)
        #expect(pipe.read(upTo: 10) == [1, 2, 3])
        pipe.readEnd.close()
        #expect(try driver.hear() == "1 portOpen 0")
        for _ in 0..<5 { try driver.send([UInt8](repeating: 1, count: 1000), port: 1) }
        try driver.send([4], port: 2)
        #expect(output.collected == [4])
        #expect(driver.control.outcome == nil)
        #expect(
            driver.portReports.first
                == VirtioPortReport(name: "gone", bytes: 3, droppedBytes: 5000, failure: "Broken pipe"))
    }

    @Test("a console whose reader is gone ends the run all the same")
    func consoleGone() throws {
        _ = signal(SIGPIPE, SIG_IGN)
        let pipe = HostPipe()
        let driver = try PortsDriver(
            VirtioConsoleConfiguration(ports: [Self.port("a")]),
            output: ConsoleOutput(descriptor: pipe.writeEnd.number))
        _ = try driver.openAll()
        pipe.readEnd.close()
        try driver.offer(1, readable: [[1]])
        #expect(eventually { driver.control.outcome != nil })
    }

    @Test("a port whose reader takes nothing holds up no other, nor the end of the others' output")
    func slowReader() throws {
        let (slow, output) = (HostPipe(), ConsoleOutput())
        slow.write([UInt8](repeating: 0, count: 65_536))
        let driver = try PortsDriver(
            VirtioConsoleConfiguration(ports: [
                Self.port("slow", ConsoleOutput(descriptor: slow.writeEnd.number)), Self.port("fast", output),
            ]), output: ConsoleOutput())
        _ = try driver.openAll()
        try driver.offer(5, readable: [[UInt8](repeating: 1, count: 4000)])
        for byte in 0..<100 as Range<UInt8> { try driver.send([byte], port: 2) }
        try driver.offer(7, readable: [[100]])
        let start = ContinuousClock.now
        let end = driver.console.finish {
            output.collected.count == 101 || ContinuousClock.now - start > TestScale.patience
        }
        #expect(!end.isIdle)
        #expect(output.collected == Array(0...100))
        #expect(end.abandoned == 4000)
    }
}
