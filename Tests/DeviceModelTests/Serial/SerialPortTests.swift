import DeviceModel
import Testing

@Suite("Serial port")
struct SerialPortTests {
    private let output = ByteRecorder()
    private let line = LevelRecorder()

    private func makePort(input: ByteQueue? = nil) -> SerialPort {
        SerialPort(output: output, input: input, interrupt: line)
    }

    @Test("bytes written to THR are sent in order, and nothing else is")
    func sends() {
        let port = makePort()
        port.write(offset: 3, width: 1, value: 0x80)
        port.write(offset: 0, width: 1, value: 0x01)
        port.write(offset: 3, width: 1, value: 0x03)
        for byte in "Hello\n".utf8 {
            port.write(offset: 0, width: 1, value: UInt64(byte))
        }
        port.write(offset: 7, width: 1, value: 0x21)
        #expect(output.bytes == Array("Hello\n".utf8))
    }

    @Test("a 16-bit write to THR sends the low byte and writes IER with the high one, as on the ISA bus")
    func splitsWideAccess() {
        let port = makePort()
        port.write(offset: 0, width: 2, value: 0x0441)
        #expect(output.bytes == [0x41])
        #expect(port.read(offset: 1, width: 1) == 0x04)
        #expect(port.read(offset: 4, width: 4) == 0x00B0_6000)
    }

    @Test("polling LSR and RBR gets all input in order, one byte at a time without queues")
    func pollsWithoutQueues() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        let input = ByteQueue(bytes)
        let port = makePort(input: input)
        #expect(poll(port) == bytes)
        #expect(input.rooms.allSatisfy { $0 == 1 })
    }

    @Test("polling LSR and RBR gets all input in order, 16 bytes at a time with queues")
    func pollsWithQueues() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        let input = ByteQueue(bytes)
        let port = makePort(input: input)
        port.write(offset: 2, width: 1, value: 0xC7)
        #expect(poll(port) == bytes)
        #expect(input.rooms.count == 64)
        #expect(input.rooms.allSatisfy { $0 == 16 })
    }

    private func poll(_ port: SerialPort) -> [UInt8] {
        var received: [UInt8] = []
        while port.read(offset: 5, width: 1) & 0x01 != 0 {
            received.append(UInt8(truncatingIfNeeded: port.read(offset: 0, width: 1)))
        }
        return received
    }

    @Test("reading RBR or IIR looks for input too, and other registers do not", arguments: 0...7 as ClosedRange<UInt64>)
    func looksForInput(offset: UInt64) {
        let input = ByteQueue([0x41, 0x42])
        let port = makePort(input: input)
        _ = port.read(offset: offset, width: 1)
        #expect(input.waiting.count == ([0, 2, 5].contains(offset) ? 1 : 2))
    }

    @Test("input waits at the source while a byte is unread, and in loopback")
    func inputWaits() {
        let input = ByteQueue([0x41, 0x42])
        let port = makePort(input: input)
        for _ in 0..<3 {
            #expect(port.read(offset: 5, width: 1) == 0x61)
        }
        #expect(input.waiting == [0x42])
        #expect(port.read(offset: 0, width: 1) == 0x41)
        port.write(offset: 4, width: 1, value: 0x10)
        #expect(port.read(offset: 5, width: 1) == 0x60)
        #expect(input.waiting == [0x42])
        port.write(offset: 4, width: 1, value: 0x00)
        #expect(port.read(offset: 0, width: 1) == 0x42)
    }

    @Test("the interrupt line is set only when its level changes")
    func setsLineOnChange() {
        let port = makePort()
        port.write(offset: 1, width: 1, value: 0x02)
        #expect(line.levels == [true])
        port.write(offset: 0, width: 1, value: 0x41)
        #expect(line.levels == [true])
        #expect(port.read(offset: 2, width: 1) == 0x02)
        #expect(line.levels == [true, false])
        #expect(port.read(offset: 2, width: 1) == 0x01)
        #expect(line.levels == [true, false])
    }

    @Test("input that a read of LSR brings in raises the interrupt line, and taking it lowers the line")
    func inputInterrupts() {
        let port = makePort(input: ByteQueue([0x41]))
        port.write(offset: 1, width: 1, value: 0x01)
        #expect(line.levels == [])
        #expect(port.read(offset: 5, width: 1) == 0x61)
        #expect(line.levels == [true])
        #expect(port.read(offset: 0, width: 1) == 0x41)
        #expect(line.levels == [true, false])
    }

    @Test("a source that gives more than it was asked for causes an overrun and nothing worse")
    func survivesGreedySource() {
        final class Flood: ByteSource {
            func read(upTo room: Int, _ receive: (UInt8) -> Void) {
                for byte in UInt8.min...UInt8.max {
                    receive(byte)
                }
            }
        }
        let port = SerialPort(output: output, input: Flood(), interrupt: nil)
        port.write(offset: 2, width: 1, value: 0x01)
        #expect(port.read(offset: 5, width: 1) == 0x63)
        #expect(port.read(offset: 0, width: 1) == 0x00)
        #expect(port.read(offset: 0, width: 1) == 0x01)
    }
}
