import DeviceModel
import Testing
import VirtioDriver

/// InterruptStatus, InterruptACK and the line (VIRTIO 1.2 §4.2.2, §4.2.3.4).
@Suite("Interrupts of a virtio-mmio device")
struct VirtioInterruptTests {
    private let line = LevelRecorder()
    private let backend = RecordingBackend()

    private func makeDevice() throws -> VirtioMMIO {
        let device = VirtioMMIO(
            backend: backend, memory: try HostPages.makeMemory([(0, 0x1_0000)]), interrupt: line)
        device.bringUp([MockDriver.layout(size: 8, base: 0x1000)])
        return device
    }

    @Test("each event shows its bit and raises the line once, until it is acknowledged")
    func events() throws {
        let device = try makeDevice()
        let session = try #require(backend.session)
        #expect(device.get(.interruptStatus) == 0)
        session.raiseUsedBufferInterrupt(queue: 0)
        session.raiseUsedBufferInterrupt(queue: 0)
        #expect(device.get(.interruptStatus) == 1)
        #expect(line.levels == [true])
        device.set(.interruptAcknowledge, 1)
        #expect(device.get(.interruptStatus) == 0)
        #expect(line.levels == [true, false])
        session.configurationChanged()
        #expect(device.get(.interruptStatus) == 2)
        device.set(.interruptAcknowledge, 3)
        #expect(line.levels == [true, false, true, false])
        #expect(device.get(.interruptAcknowledge) == 0)
    }

    @Test("an acknowledge that leaves a bit lets the line fall and rise, so that edges tell of it too")
    func pulses() throws {
        let device = try makeDevice()
        let session = try #require(backend.session)
        session.raiseUsedBufferInterrupt(queue: 0)
        session.configurationChanged()
        device.set(.interruptAcknowledge, 1)
        #expect(line.levels == [true, false, true])
        #expect(device.get(.interruptStatus) == 2)
        // Bits that do not exist take nothing away.
        device.set(.interruptAcknowledge, 0xFFFF_FFFD)
        #expect(line.levels == [true, false, true, false, true])
        device.set(.interruptAcknowledge, 2)
        #expect(line.levels == [true, false, true, false, true, false])
        device.set(.interruptAcknowledge, 3)
        #expect(line.levels.count == 6)
    }

    @Test("the end of an interrupt raises the line again while there is something to interrupt for")
    func resamples() throws {
        let device = try makeDevice()
        device.interruptEnded()
        #expect(line.levels == [])
        backend.session?.raiseUsedBufferInterrupt(queue: 0)
        device.interruptEnded()
        #expect(line.levels == [true, false, true])
        device.set(.interruptAcknowledge, 1)
        device.interruptEnded()
        #expect(line.levels == [true, false, true, false])
    }

    @Test(
        "an event between the driver's read and its acknowledge is not lost, and one before the read is acknowledged",
        arguments: [1, 2] as [UInt64])
    func raceWithAcknowledge(bit: UInt64) throws {
        let device = try makeDevice()
        let session = try #require(backend.session)
        func raise() { bit == 1 ? session.raiseUsedBufferInterrupt(queue: 0) : session.configurationChanged() }
        raise()
        #expect(device.get(.interruptStatus) == bit)
        raise()
        device.set(.interruptAcknowledge, 3)
        #expect(line.levels == [true, false, true])
        // That one was not seen. Seen, it can be acknowledged; and so can what nobody looked at.
        #expect(device.get(.interruptStatus) == bit)
        device.set(.interruptAcknowledge, bit)
        #expect(device.get(.interruptStatus) == 0)
        raise()
        raise()
        device.set(.interruptAcknowledge, bit)
        #expect(device.get(.interruptStatus) == 0)
        raise()
        #expect(device.get(.interruptStatus) == bit)
        raise()
        #expect(device.get(.interruptStatus) == bit)
        device.set(.interruptAcknowledge, bit)
        #expect(device.get(.interruptStatus) == 0)
        #expect(line.levels.last == false)
    }

    /// Every order of six steps, with the events told apart by when they happened.
    @Test("in every order of events, reads and acknowledges no event is acknowledged unseen after one that was seen")
    func everyOrder() {
        for code in 0..<(6 * 6 * 6 * 6 * 6 * 6) {
            var (registers, rest) = (VirtioInterrupts(), code)
            // For each bit the times of what is pending, and when the driver last looked.
            var (times, lookedAt): ([UInt32: [Int]], Int) = ([1: [], 2: []], -1)
            for time in 0..<6 {
                switch rest % 6 {
                case 0, 1:
                    let bit = UInt32(rest % 6 + 1)
                    registers.raise(VirtioEvents(rawValue: bit))
                    times[bit, default: []].append(time)
                case 2:
                    _ = registers.show()
                    lookedAt = time
                default:
                    let value = UInt32(rest % 6 - 2)
                    registers.acknowledge(VirtioEvents(rawValue: value))
                    for bit in [1, 2] as [UInt32] where value & bit != 0 {
                        let wasSeen = times[bit, default: []].contains { $0 < lookedAt }
                        times[bit] = wasSeen ? times[bit, default: []].filter { $0 > lookedAt } : []
                    }
                }
                rest /= 6
                let expected = times.reduce(0) { $0 | ($1.value.isEmpty ? 0 : $1.key) }
                guard registers.raised.rawValue == expected, registers.level == (expected != 0) else {
                    Issue.record("order \(code): \(registers.raised), not \(expected), at \(time)")
                    return
                }
            }
        }
    }

    @Test("before DRIVER_OK, for queues that are not ready and after a reset there are no interrupts")
    func late() throws {
        let device = try makeDevice()
        let session = try #require(backend.session)
        for index in [1, 2, 3, -1, .max, .min] { session.raiseUsedBufferInterrupt(queue: index) }
        #expect(line.levels == [])
        device.set(.queueReady, 0)
        session.raiseUsedBufferInterrupt(queue: 0)
        #expect(line.levels == [])
        device.set(.status, 0)
        let before = device.registers
        session.raiseUsedBufferInterrupt(queue: 0)
        session.configurationChanged()
        session.fail(.device("late"))
        #expect(device.registers == before)
        // Nor once the driver is there again: that is not the session's business.
        device.bringUp([MockDriver.layout(size: 8, base: 0x1000)])
        let active = device.registers
        session.raiseUsedBufferInterrupt(queue: 0)
        session.configurationChanged()
        session.fail(.device("late"))
        #expect(device.registers == active)
        #expect(line.levels == [])
        #expect(device.fault == nil)
        backend.session?.raiseUsedBufferInterrupt(queue: 0)
        #expect(line.levels == [true])
    }

    @Test("a backend may interrupt, or give up, inside each call of its transport")
    func insideCalls() throws {
        let backend = RecordingBackend { call, session in
            session?.raiseUsedBufferInterrupt(queue: 0)
            if call == .notify(0) { session?.fail(.device("given up")) }
        }
        let device = VirtioMMIO(backend: backend, memory: try HostPages.makeMemory([(0, 0x1_0000)]), interrupt: line)
        device.bringUp([MockDriver.layout(size: 8, base: 0x1000)])
        #expect(line.levels == [true])
        device.set(.queueNotify, 0)
        #expect(device.get(.interruptStatus) == 3)
        device.set(.queueReady, 0)
        device.set(.status, 0)
        #expect(device.registers.interrupts == VirtioInterrupts())
        #expect(device.fault == .device("given up"))
    }
}
