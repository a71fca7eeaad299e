import DeviceModel
import Synchronization
import Testing

@Suite("Byte-wide ports")
struct BytePortDeviceTests {
    private final class Registers: BytePortDevice {
        let accesses = Mutex<[String]>([])

        func readByte(offset: UInt64) -> UInt8 {
            accesses.withLock { $0.append("read \(offset)") }
            return UInt8(truncatingIfNeeded: 0xA0 &+ offset)
        }

        func writeByte(offset: UInt64, value: UInt8) {
            accesses.withLock { $0.append("write \(offset) \(value)") }
        }
    }

    @Test("a wide read becomes byte reads at successive offsets, the first one in the lowest byte")
    func splitsReads() {
        let device = Registers()
        #expect(device.read(offset: 1, width: 4) == 0xA4A3_A2A1)
        #expect(device.accesses.withLock { $0 } == ["read 1", "read 2", "read 3", "read 4"])
    }

    @Test("a wide write becomes byte writes at successive offsets, the lowest byte first")
    func splitsWrites() {
        let device = Registers()
        device.write(offset: 0, width: 2, value: 0x0203)
        #expect(device.accesses.withLock { $0 } == ["write 0 3", "write 1 2"])
    }

    @Test("a byte access is passed on once, and no bits appear above it")
    func passesBytes() {
        let device = Registers()
        #expect(device.read(offset: 7, width: 1) == 0xA7)
        device.write(offset: 7, width: 1, value: 0xFFFF)
        #expect(device.accesses.withLock { $0 } == ["read 7", "write 7 255"])
    }

    @Test("impossible widths and offsets do no harm", arguments: [.min, -1, 0, 8, 9, .max])
    func survivesAnything(width: Int) {
        let device = Registers()
        _ = device.read(offset: .max, width: width)
        device.write(offset: .max, width: width, value: .max)
        #expect(device.accesses.withLock { $0.count } == (width < 1 ? 0 : 16))
    }
}
