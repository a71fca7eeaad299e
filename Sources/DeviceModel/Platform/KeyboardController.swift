import Synchronization

/// As much of a PC's keyboard controller as a machine without a keyboard needs: reset and the A20 gate (Intel 8042; IBM
/// PC/AT Technical Reference, "Keyboard Controller").
///
/// Offset 0 is the data port, 0x60; offset 4 is status and command, 0x64. The ports between belong to others: attach it
/// as two ranges, of one port each, the second with a `deviceOffset` of 4.
///
/// The A20 gate cannot be closed: commands that close it are accepted, and the output port still says that it is open.
public final class KeyboardController: BytePortDevice {
    private struct State {
        /// The next byte written to the data port goes to the output port.
        var writesOutputPort = false
        /// A byte for the guest to read from the data port.
        var outputBuffer: UInt8?
    }

    /// System flag: the controller has passed its self test.
    private static let statusReady: UInt8 = 0x04
    /// A byte waits at the data port.
    private static let statusOutputFull: UInt8 = 0x01
    /// The output port at rest: no reset (bit 0), A20 open (bit 1), nothing waiting (bits 4 and 5), the rest pulled up.
    private static let outputPort: UInt8 = 0xCF

    private let state = Mutex(State())
    private let events: MachineEventLatch

    /// Makes a controller that signals resets to `events`.
    public init(events: MachineEventLatch) {
        self.events = events
    }

    /// Reads the data port, 0 when nothing waits there, or the status.
    public func readByte(offset: UInt64) -> UInt8 {
        state.withLock { state in
            switch offset {
            case 0:
                let byte = state.outputBuffer ?? 0
                state.outputBuffer = nil
                return byte
            case 4:
                return Self.statusReady | (state.outputBuffer == nil ? 0 : Self.statusOutputFull)
            default:
                return 0xFF
            }
        }
    }

    /// Writes the data port or a command.
    public func writeByte(offset: UInt64, value: UInt8) {
        let resets = state.withLock { state in
            switch offset {
            case 0: Self.acceptData(value, &state)
            case 4: Self.acceptCommand(value, &state)
            default: false
            }
        }
        if resets {
            events.signal(.reset(.keyboardController))
        }
    }

    /// Returns whether the byte resets the machine: bit 0 of the output port is the processor's reset line, active low.
    private static func acceptData(_ value: UInt8, _ state: inout State) -> Bool {
        defer { state.writesOutputPort = false }
        return state.writesOutputPort && value & 1 == 0
    }

    /// Returns whether the command resets the machine.
    private static func acceptCommand(_ command: UInt8, _ state: inout State) -> Bool {
        state.writesOutputPort = command == 0xD1
        switch command {
        case 0xD0:
            state.outputBuffer = outputPort
            return false
        case 0xF0...:
            // Pulses the low bits of the output port whose bits here are 0; 0xFE is the usual one.
            return command & 1 == 0
        default:
            // 0xDD and 0xDF close and open A20, 0xAD and 0xAE stop and start the keyboard: nothing to do.
            return false
        }
    }
}
