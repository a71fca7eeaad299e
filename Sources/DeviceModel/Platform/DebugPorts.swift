import Synchronization

/// The debug console of Bochs and QEMU, port 0xE9: each byte written is printed, and a read gives 0xE9, by which a
/// guest finds the port (QEMU, `isa-debugcon`).
public final class DebugConsole: BytePortDevice {
    private let output: any ByteSink

    /// Makes a console that prints to `output`.
    public init(output: any ByteSink) {
        self.output = output
    }

    /// Always 0xE9.
    public func readByte(offset: UInt64) -> UInt8 {
        0xE9
    }

    /// Prints the byte.
    public func writeByte(offset: UInt64, value: UInt8) {
        output.write(value)
    }
}

/// The diagnostic port 0x80, to which firmware writes how far its power-on self test has come; it reads back.
///
/// Linux writes to it for no purpose but the delay, so a code here need not mean anything.
public final class POSTCode: BytePortDevice {
    private struct State {
        var last: UInt8?
        var count: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Makes a port to which nothing was written.
    public init() {}

    /// The last code, or nil when there was none.
    public var last: UInt8? {
        state.withLock { $0.last }
    }

    /// How many codes were written.
    public var count: UInt64 {
        state.withLock { $0.count }
    }

    /// The last code, 0xFF when there was none.
    public func readByte(offset: UInt64) -> UInt8 {
        last ?? 0xFF
    }

    /// Records a code.
    public func writeByte(offset: UInt64, value: UInt8) {
        state.withLock { state in
            state.last = value
            state.count &+= 1
        }
    }
}
