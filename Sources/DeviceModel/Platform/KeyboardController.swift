import Synchronization

/// A PC's keyboard controller: reset and the A20 gate, and, where the machine has one, a keyboard (Intel 8042; IBM PC/AT Technical
/// Reference, section 1, "Keyboard Controller", and section 4, "Keyboard").
///
/// Offset 0 is the data port, 0x60; offset 4 is status and command, 0x64. The ports between belong to others: attach it
/// as two ranges, of one port each, the second with a `deviceOffset` of 4.
///
/// The A20 gate cannot be closed: commands that close it are accepted, and the output port still says that it is open. A keyboard's scan
/// codes are always those of set 1.
public final class KeyboardController: BytePortDevice {
    /// What the next byte at the data port is.
    private enum Expected {
        case keyboardCommand
        case keyboardArgument
        case outputPort
        case commandByte
        /// For a mouse, which there is not.
        case mouseCommand
    }

    private struct State {
        var expected = Expected.keyboardCommand
        /// The byte at the data port; it stays there when it was read.
        var output: UInt8 = 0
        /// Whether it was not.
        var isFull = false
        /// What the keyboard sends next.
        var codes: [UInt8] = []
        /// System flag, translation, and the keyboard's interrupt.
        var commandByte: UInt8 = 0x45
    }

    /// System flag: the controller has passed its self test.
    private static let statusReady: UInt8 = 0x04
    /// A byte waits at the data port.
    private static let statusOutputFull: UInt8 = 0x01
    /// The output port at rest: no reset (bit 0), A20 open (bit 1), nothing waiting (bits 4 and 5), the rest pulled up.
    private static let outputPort: UInt8 = 0xCF
    /// Bits of the command byte.
    private static let interrupts: UInt8 = 0x01
    private static let keyboardOff: UInt8 = 0x10
    /// What the keyboard answers: it has understood, and it has passed its test.
    private static let acknowledged: UInt8 = 0xFA
    private static let passed: UInt8 = 0xAA
    /// How many bytes may wait: a keyboard has as many, and more are lost.
    private static let limit = 32

    private let state = Mutex(State())
    private let events: MachineEventLatch
    private let interrupt: (any InterruptLine)?

    /// Makes a controller that signals resets to `events`.
    ///
    /// - Parameters:
    ///   - events: where resets are signalled to.
    ///   - interrupt: the keyboard's; nil for a machine without one.
    public init(events: MachineEventLatch, interrupt: (any InterruptLine)? = nil) {
        self.events = events
        self.interrupt = interrupt
    }

    /// Reads the data port, where the last byte stays, or the status.
    public func readByte(offset: UInt64) -> UInt8 {
        state.withLock { state in
            switch offset {
            case 0:
                // Without a keyboard there is nothing at rest.
                defer { if interrupt == nil { state.output = 0 } }
                state.isFull = false
                update(&state)
                return state.output
            case 4: return Self.statusReady | (state.isFull ? Self.statusOutputFull : 0)
            default: return 0xFF
            }
        }
    }

    /// Writes the data port or a command.
    public func writeByte(offset: UInt64, value: UInt8) {
        let resets = state.withLock { state in
            switch offset {
            case 0: acceptData(value, &state)
            case 4: acceptCommand(value, &state)
            default: false
            }
        }
        if resets {
            events.signal(.reset(.keyboardController))
        }
    }

    // MARK: The keyboard's side

    /// Whether all that was pressed has been read, and the guest has not switched the keyboard off.
    package var isIdle: Bool {
        state.withLock { !$0.isFull && $0.codes.isEmpty && $0.commandByte & Self.keyboardOff == 0 }
    }

    /// Keys go down and up.
    ///
    /// - Parameter codes: of scan code set 1.
    package func press(_ codes: [UInt8]) {
        state.withLock { send(codes, &$0) }
        bringNext()
    }

    /// Puts the next byte of the keyboard's at the data port, if the last one was read.
    ///
    /// A keyboard takes a while from one byte to the next, in which the guest may read the last one again: so this is called later.
    package func bringNext() {
        state.withLock { state in
            guard !state.isFull, !state.codes.isEmpty, state.commandByte & Self.keyboardOff == 0 else { return }
            state.output = state.codes.removeFirst()
            state.isFull = true
            update(&state)
        }
    }

    private func send(_ codes: [UInt8], _ state: inout State) {
        state.codes += codes.prefix(max(0, Self.limit - state.codes.count))
    }

    private func update(_ state: inout State) {
        interrupt?.setLevel(state.isFull && state.commandByte & Self.interrupts != 0)
    }

    /// An answer of the controller's own.
    private func answer(_ byte: UInt8, _ state: inout State) {
        state.output = byte
        state.isFull = true
        update(&state)
    }

    // MARK: The guest's side

    /// Returns whether the byte resets the machine: bit 0 of the output port is the processor's reset line, active low.
    private func acceptData(_ value: UInt8, _ state: inout State) -> Bool {
        let expected = state.expected
        state.expected = .keyboardCommand
        switch expected {
        case .outputPort: return value & 1 == 0
        case .commandByte:
            state.commandByte = value
            update(&state)
        case .mouseCommand: break
        case .keyboardArgument: send([Self.acknowledged], &state)
        case .keyboardCommand: if interrupt != nil { acceptKeyboardCommand(value, &state) }
        }
        return false
    }

    private func acceptKeyboardCommand(_ command: UInt8, _ state: inout State) {
        switch command {
        // Lights, scan code set and how fast keys repeat: what they shall be comes next.
        case 0xED, 0xF0, 0xF3:
            state.expected = .keyboardArgument
            send([Self.acknowledged], &state)
        case 0xEE: send([0xEE], &state)
        // A keyboard of 101 keys.
        case 0xF2: send([Self.acknowledged, 0xAB, 0x41], &state)
        case 0xFF: send([Self.acknowledged, Self.passed], &state)
        default: send([Self.acknowledged], &state)
        }
    }

    /// Returns whether the command resets the machine.
    private func acceptCommand(_ command: UInt8, _ state: inout State) -> Bool {
        state.expected = .keyboardCommand
        switch command {
        case 0xD0: answer(Self.outputPort, &state)
        case 0xD1: state.expected = .outputPort
        case 0xF0...:
            // Pulses the low bits of the output port whose bits here are 0; 0xFE is the usual one.
            return command & 1 == 0
        // The rest is the keyboard's. 0xDD and 0xDF close and open A20: nothing to do.
        case _ where interrupt == nil: break
        case 0x20: answer(state.commandByte, &state)
        case 0x60: state.expected = .commandByte
        // The controller's own test, and its line's to the keyboard.
        case 0xAA: answer(0x55, &state)
        case 0xAB: answer(0x00, &state)
        case 0xAD: state.commandByte |= Self.keyboardOff
        case 0xAE: state.commandByte &= ~Self.keyboardOff
        case 0xD4: state.expected = .mouseCommand
        default: break
        }
        return false
    }
}
