import DeviceModel

/// What can be seen of a chip after an operation.
struct UARTView: Equatable {
    /// What the read gave, or which byte a write sent.
    var value: UInt8?
    let level: Bool
    let room: Int
    let hasData: Bool
}

extension UART16550 {
    mutating func perform(_ operation: UARTOperation) -> UARTView {
        var value: UInt8?
        switch operation {
        case .read(let register): value = read(offset: UInt64(register))
        case .write(let register, let byte): value = write(offset: UInt64(register), value: byte)
        case .line(let byte, let count): for _ in 0..<count { receive(byte) }
        }
        return UARTView(value: value, level: interruptLevel, room: receiveRoom, hasData: hasReceivedData)
    }
}

extension DataSheetUART {
    mutating func perform(_ operation: UARTOperation) -> UARTView {
        var value: UInt8?
        switch operation {
        case .read(let register): value = read(register)
        case .write(let register, let byte): value = write(register, byte)
        case .line(let byte, let count): for _ in 0..<count { lineBrings(byte) }
        }
        return UARTView(value: value, level: level, room: room, hasData: hasData)
    }
}
