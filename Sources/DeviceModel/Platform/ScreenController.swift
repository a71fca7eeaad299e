import Synchronization

/// The registers of a text screen's cathode ray tube controller (IBM VGA, Technical Reference, "CRT Controller Registers"; IBM PS/2
/// Hardware Interface Technical Reference, video subsystem): an index at offset 0, the register it chooses at offset 1, and the status
/// at offset 6. They say where in the memory of letters the screen begins and the cursor is; the text itself is in RAM.
public final class ScreenController: BytePortDevice {
    private static let statusOffset: UInt64 = 6

    // Registers by their number. The high byte of a place comes before the low one.
    private static let lastColumn = 0x01
    private static let cursorStart = 0x0A
    private static let start = 0x0C
    private static let cursor = 0x0E

    /// What of the memory of letters is shown. Places are counted in letters, from its beginning.
    struct View: Equatable {
        var columns = 80
        var start: UInt16 = 0
        /// Nil where it is switched off.
        var cursor: UInt16? = 0
    }

    private let registers = Mutex(Registers())

    private struct Registers {
        var index: UInt8 = 0
        var values: [UInt8] = {
            var values = [UInt8](repeating: 0, count: 32)
            values[ScreenController.lastColumn] = 79
            return values
        }()
        var status: UInt8 = 0

        /// An index of which more bits are set than there are registers means nothing.
        var isChosen: Bool { Int(index) < values.count }
    }

    /// Makes a screen whose cursor is at the upper left.
    public init() {}

    var view: View {
        registers.withLock { registers in
            let values = registers.values
            return View(
                columns: values[Self.lastColumn] == 39 ? 40 : 80,
                start: UInt16(low: values[Self.start &+ 1], high: values[Self.start]),
                cursor: values[Self.cursorStart] & 0x20 == 0
                    ? UInt16(low: values[Self.cursor &+ 1], high: values[Self.cursor]) : nil)
        }
    }

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
