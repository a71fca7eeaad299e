import Synchronization

/// The registers of a VGA that programs in text mode use: a text screen's controller, and the colours (IBM PS/2 Hardware Interface
/// Technical Reference, "Video Subsystem"). It shows nothing: the letters are RAM.
///
/// Offset 0 is port 0x3C0.
public final class TextVideo: BytePortDevice {
    private struct State {
        /// Bit 5 set: the attribute controller's registers are not to be changed.
        var attributeIndex: UInt8 = 0
        var isAttributeData = false
        var attributes = TextVideo.standardAttributes
        var colorRead: UInt16 = 0
        var colorWrite: UInt16 = 0
        /// Red, green and blue of 256 colours, 6 bits each.
        var colors = TextVideo.standardColors
        var mask: UInt8 = 0xFF
    }

    /// Where the controller's are: its index, data and status.
    private static let controllerOffset: UInt64 = 0x14
    private static let statusOffset: UInt64 = 0x1A
    private static let attributeCount = 0x15

    /// Of text mode: 16 colours, then mode, border, planes, panning and page.
    private static let standardAttributes: [UInt8] = [
        0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x0C, 0x00,
        0x0F, 0x08,
        0x00,
    ]

    /// The first 64 are an EGA's: bits 2, 1 and 0 of the number are two thirds of red, green and blue, bits 5, 4 and 3 one third.
    private static let standardColors: [UInt8] = {
        var colors = [UInt8](repeating: 0, count: 256 * 3)
        for number in 0..<64 {
            for part in 0..<3 {
                let (bright, dim) = (number >> (2 - part) & 1, number >> (5 - part) & 1)
                colors[number * 3 + part] = UInt8(bright * 42 + dim * 21)
            }
        }
        return colors
    }()

    private let state = Mutex(State())
    private let controller: ScreenController

    /// - Parameter controller: says what of the letters is shown.
    public init(controller: ScreenController = ScreenController()) {
        self.controller = controller
    }

    public func readByte(offset: UInt64) -> UInt8 {
        state.withLock { state in
            switch offset {
            case 0x00: return state.attributeIndex
            case 0x01: return attribute(state)
            case 0x06: return state.mask
            case 0x08: return UInt8(truncatingIfNeeded: state.colorWrite / 3)
            case 0x09:
                let color = state.colors[Int(state.colorRead) % state.colors.count]
                state.colorRead = (state.colorRead &+ 1) % UInt16(truncatingIfNeeded: state.colors.count)
                return color
            // Colour, memory that the processor reaches.
            case 0x0C: return 0x67
            case Self.controllerOffset...Self.statusOffset:
                // A look at the status makes the attribute controller's next write an index.
                if offset == Self.statusOffset { state.isAttributeData = false }
                return controller.readByte(offset: offset &- Self.controllerOffset)
            default: return 0xFF
            }
        }
    }

    private func attribute(_ state: State) -> UInt8 {
        let index = Int(state.attributeIndex & 0x1F)
        return index < Self.attributeCount ? state.attributes[index] : 0
    }

    public func writeByte(offset: UInt64, value: UInt8) {
        state.withLock { state in
            switch offset {
            case 0x00:
                let index = Int(state.attributeIndex & 0x1F)
                if !state.isAttributeData {
                    state.attributeIndex = value & 0x3F
                } else if index < Self.attributeCount {
                    state.attributes[index] = value
                }
                state.isAttributeData.toggle()
            case 0x06: state.mask = value
            case 0x07: state.colorRead = UInt16(value) &* 3
            case 0x08: state.colorWrite = UInt16(value) &* 3
            case 0x09:
                state.colors[Int(state.colorWrite) % state.colors.count] = value & 0x3F
                state.colorWrite = (state.colorWrite &+ 1) % UInt16(truncatingIfNeeded: state.colors.count)
            case Self.controllerOffset...Self.statusOffset:
                controller.writeByte(offset: offset &- Self.controllerOffset, value: value)
            default: break
            }
        }
    }
}
