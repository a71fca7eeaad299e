import DeviceModel
import TestSupport
import Testing
import VirtioDriver

@testable import VMM

@Suite("A byte written to a virtio-console's configuration")
struct EmergencyWriteTests {
    private static func makeDevice(_ output: ConsoleOutput) throws -> PortsDriver {
        try PortsDriver(VirtioConsoleConfiguration(), output: output, features: VirtioMMIO.version1)
    }

    @Test("it is printed whatever state the device is in, by its lowest byte, and by nothing else in that space")
    func states() throws {
        let output = ConsoleOutput()
        let driver = try Self.makeDevice(output)
        let device = driver.transport
        func write(_ text: Character, width: Int = 4) {
            device.write(offset: 0x108, width: width, value: 0xFFFF_FF00 | UInt64(text.asciiValue ?? 0))
        }
        write("a")
        device.set(.status, 1)
        write("b", width: 1)
        device.negotiate()
        write("c", width: 2)
        try driver.bringUp()
        write("d")
        device.set(.status, 0x80 | 15)
        write("e")
        device.set(.status, 0)
        write("f")
        for (offset, width) in [(0, 4), (4, 4), (4, 8), (7, 2), (8, 8), (9, 1), (10, 2), (12, 4)] as [(UInt64, Int)] {
            device.write(offset: 0x100 + offset, width: width, value: 0x5858_5858_5858_5858)
        }
        #expect(output.flush { _ in false } == .done)
        #expect(String(decoding: output.collected, as: UTF8.self) == "abcdef")
        #expect(device.read(offset: 0x108, width: 4) == 0)
        #expect(driver.console.device.report.consoleBytes == 6)
    }

    @Test("it stands in order between buffers of the queue")
    func order() throws {
        let output = ConsoleOutput()
        let driver = try Self.makeDevice(output)
        try driver.bringUp()
        try driver.send([1], port: 0)
        driver.transport.write(offset: 0x108, width: 4, value: 2)
        try driver.send([3], port: 0)
        #expect(output.collected == [1, 2, 3])
    }

    /// Real mode reaches the device through a segment of no limit only, so the guest is the one that drives ports.
    @Test(
        "a guest prints before it touches the device, wherever the console writes", .requiresKVM,
        arguments: [true, false])
    func guest(hasOwnOutput: Bool) throws {
        let own = ConsoleOutput()
        let run = try GuestRun(guest: "long-virtio-ports.elf") {
            $0.commandLine = "emergency console=push:3"
            $0.devices.append(.virtioConsole(VirtioConsoleConfiguration(output: hasOwnOutput ? own : nil)))
        }
        #expect(run.reason == .exited(status: 0))
        let text = String(decoding: hasOwnOutput ? own.collected : run.output, as: UTF8.self)
        #expect(text.hasPrefix("early\n"), "\(text)")
        #expect(run.report.consoleBytes["virtio-console"] == 9)
    }
}
