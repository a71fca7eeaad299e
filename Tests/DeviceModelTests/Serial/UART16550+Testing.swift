import DeviceModel

extension UART16550 {
    /// The state after reset, but for these differences.
    init(_ differ: (inout UART16550) -> Void) {
        self.init()
        differ(&self)
    }
}

/// One thing that happens to a UART, with what must come of it. The values are those of the data sheet.
enum UARTStep: Sendable {
    /// The guest reads a register and must get this value.
    case read(UInt64, UInt8)
    /// The guest writes a register, and nothing is sent.
    case write(UInt64, UInt8)
    /// The guest writes THR, and this byte is sent.
    case send(UInt8)
    /// The line brings a byte.
    case receive(UInt8)
    /// The line brings this many bytes, 1, 2, 3 and so on.
    case receiveMany(Int)
    /// The interrupt output must have this level.
    case level(Bool)
}

/// The registers by their offsets, as in PC16550D table II.
enum Register {
    /// RBR when read, THR when written, DLL while the divisor latch is open.
    static let data: UInt64 = 0
    /// IER, or DLM while the divisor latch is open.
    static let interruptEnable: UInt64 = 1
    /// IIR when read.
    static let interruptIdentification: UInt64 = 2
    /// FCR when written.
    static let fifoControl: UInt64 = 2
    static let lineControl: UInt64 = 3
    static let modemControl: UInt64 = 4
    static let lineStatus: UInt64 = 5
    static let modemStatus: UInt64 = 6
    static let scratch: UInt64 = 7
}
