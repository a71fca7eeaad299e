import Synchronization

/// A PC's real-time clock and CMOS storage: offset 0, port 0x70, chooses a register; offset 1, port 0x71, is its
/// content (Motorola MC146818A). It makes no interrupts.
public final class CMOSClock: BytePortDevice {
    private struct State {
        var index: UInt8 = 0
        var registers = CMOSRegisters()
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> Int64

    /// Makes a clock.
    ///
    /// - Parameter now: the time in seconds since 1970-01-01 00:00:00 UTC. It is called from inside the clock's lock.
    public init(now: @escaping @Sendable () -> Int64) {
        self.now = now
    }

    /// The content of the chosen register; the port that chooses reads 0xFF.
    public func readByte(offset: UInt64) -> UInt8 {
        guard offset == 1 else { return 0xFF }
        return state.withLock { state in
            state.registers.read(state.index, at: CivilTime(unixSeconds: now()))
        }
    }

    /// Chooses a register, by the lowest 7 bits of the value (bit 7 masks NMIs, of which there are none), or writes it.
    public func writeByte(offset: UInt64, value: UInt8) {
        state.withLock { state in
            switch offset {
            case 0: state.index = value & 0x7F
            case 1: state.registers.write(state.index, value: value)
            default: break
            }
        }
    }
}
