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
