/// One thing that can be done to a chip from outside, to both descriptions of it alike.
enum UARTOperation: CustomStringConvertible, Sendable {
    case read(UInt8)
    case write(UInt8, UInt8)
    /// The line brings this byte so many times.
    case line(UInt8, count: Int)

    /// Every read, and the writes that matter: with and without the transmitter's interrupt, queues on, off, cleared and
    /// at other trigger levels, loopback with different outputs, the divisor latch. Reads of what cannot change by
    /// being read are there too: they could.
    static let alphabet: [UARTOperation] = [
        .read(0), .read(1), .read(2), .read(3), .read(4), .read(5), .read(6), .read(7),
        .write(0, 0x3C), .write(1, 0xFF), .write(1, 0x05), .write(1, 0x0A),
        .write(2, 0x01), .write(2, 0xC7), .write(2, 0x4E), .write(2, 0x85),
        .write(3, 0x80), .write(3, 0x03),
        .write(4, 0x00), .write(4, 0x10), .write(4, 0x1E), .write(4, 0xFB),
        .write(5, 0xFF), .write(6, 0xFF), .write(7, 0x96),
        .line(0xA5, count: 1), .line(0x5A, count: 13),
    ]

    var description: String {
        switch self {
        case .read(let register): "read \(register)"
        case .write(let register, let value): "write \(register) \(value)"
        case .line(let byte, let count): "line \(byte) × \(count)"
        }
    }
}
