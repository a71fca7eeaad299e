import DeviceModel
import Testing

@Suite("Reset ports and the A20 gate")
struct ResetTests {
    private let events = MachineEventLatch()

    /// The keyboard controller's data port.
    private let data: UInt64 = 0
    /// The keyboard controller's status and command port.
    private let command: UInt64 = 4

    @Test("the keyboard controller is always ready for a command")
    func statusIsReady() {
        let controller = KeyboardController(events: events)
        #expect(controller.read(offset: command, width: 1) == 0x04)
        #expect(controller.read(offset: data, width: 1) == 0x00)
        #expect(controller.read(offset: command, width: 1) == 0x04)
    }

    @Test("pulsing the reset line resets", arguments: [0xFE, 0xF0] as [UInt64])
    func keyboardReset(value: UInt64) {
        KeyboardController(events: events).write(offset: command, width: 1, value: value)
        #expect(events.event == .reset(.keyboardController))
    }

    @Test(
        "other commands do not reset, those for A20 included",
        arguments: [0xFF, 0xDD, 0xDF, 0xD0, 0xD1, 0xAD, 0xAE, 0xAA, 0x20, 0x00] as [UInt64])
    func otherCommands(value: UInt64) {
        let controller = KeyboardController(events: events)
        controller.write(offset: command, width: 1, value: value)
        #expect(events.event == nil)
        #expect(controller.read(offset: command, width: 1) == (value == 0xD0 ? 0x05 : 0x04))
    }

    @Test("the usual way to open A20 works: read the output port, set bit 1, write it back")
    func opensA20() {
        let controller = KeyboardController(events: events)
        controller.write(offset: command, width: 1, value: 0xAD)
        controller.write(offset: command, width: 1, value: 0xD0)
        #expect(controller.read(offset: command, width: 1) == 0x05)
        let outputPort = controller.read(offset: data, width: 1)
        #expect(outputPort == 0xCF)
        #expect(controller.read(offset: command, width: 1) == 0x04)
        controller.write(offset: command, width: 1, value: 0xD1)
        controller.write(offset: data, width: 1, value: outputPort | 2)
        controller.write(offset: command, width: 1, value: 0xAE)
        #expect(events.event == nil)
    }

    @Test("an output port written with bit 0 clear resets")
    func outputPortReset() {
        let controller = KeyboardController(events: events)
        controller.write(offset: command, width: 1, value: 0xD1)
        controller.write(offset: data, width: 1, value: 0x02)
        #expect(events.event == .reset(.keyboardController))
    }

    @Test("a byte for the keyboard does not reset: not before 0xD1, nor after its one byte, nor after another command")
    func dataAloneDoesNotReset() {
        let controller = KeyboardController(events: events)
        controller.write(offset: data, width: 1, value: 0x00)
        controller.write(offset: command, width: 1, value: 0xD1)
        controller.write(offset: data, width: 1, value: 0xDF)
        controller.write(offset: data, width: 1, value: 0x00)
        controller.write(offset: command, width: 1, value: 0xD1)
        controller.write(offset: command, width: 1, value: 0xAE)
        controller.write(offset: data, width: 1, value: 0x00)
        #expect(events.event == nil)
    }

    @Test("port 0x92 resets when bit 0 goes from 0 to 1, not when A20 is switched")
    func systemControlPort() {
        let port = SystemControlPort(events: events)
        #expect(port.read(offset: 0, width: 1) == 0x02)
        port.write(offset: 0, width: 1, value: 0x02)
        port.write(offset: 0, width: 1, value: 0x00)
        port.write(offset: 0, width: 1, value: 0xFE)
        #expect(port.read(offset: 0, width: 1) == 0x02)
        #expect(events.event == nil)
        port.write(offset: 0, width: 1, value: 0x03)
        #expect(events.event == .reset(.port92))
    }

    @Test("port 0xCF9 resets when bit 2 goes from 0 to 1 and reads back what was written")
    func resetControl() {
        let port = ResetControl(events: events)
        #expect(port.read(offset: 0, width: 1) == 0x00)
        port.write(offset: 0, width: 1, value: 0x02)
        #expect(port.read(offset: 0, width: 1) == 0x02)
        port.write(offset: 0, width: 1, value: 0xFB)
        #expect(events.event == nil)
        port.write(offset: 0, width: 1, value: 0x06)
        #expect(events.event == .reset(.resetControl))
        #expect(port.read(offset: 0, width: 1) == 0x06)
    }
}
