import Synchronization

/// The registers of a text screen's cathode ray tube controller (IBM VGA, Technical Reference, "CRT Controller Registers"; IBM PS/2
/// Hardware Interface Technical Reference, video subsystem): an index at offset 0, the register it chooses at offset 1, and the status
/// at offset 6. Kernels find and move the cursor by registers 0x0E and 0x0F. They hold what was written and do nothing else: the text
/// itself is in RAM.
public final class ScreenController: BytePortDevice {
    private static let statusOffset: UInt64 = 6

    private let registers = Mutex(Registers())

    private struct Registers {
        var index: UInt8 = 0
        var values = [UInt8](repeating: 0, count: 32)
        var status: UInt8 = 0

        /// An index of which more bits are set than there are registers means nothing.
        var isChosen: Bool { Int(index) < values.count }
    }

    /// Makes a screen whose cursor is at the upper left.
    public init() {}

    public func readByte(offset: UInt64) -> UInt8 {
        registers.withLock { registers in
            switch offset {
            case 0: return registers.index
            case 1: return registers.isChosen ? registers.values[Int(registers.index)] : 0xFF
            case Self.statusOffset:
                // Retrace begins and ends: who waits for it must not wait for ever.
                registers.status ^= 0x09
                return registers.status
            default: return 0xFF
            }
        }
    }

    public func writeByte(offset: UInt64, value: UInt8) {
        registers.withLock { registers in
            switch offset {
            case 0: registers.index = value
            case 1 where registers.isChosen: registers.values[Int(registers.index)] = value
            default: break
            }
        }
    }
}
