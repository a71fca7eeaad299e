import VMM

// Fifty machines at once, of which each squares a number that it finds in its memory:
//     swift run --package-path Examples/Embedding FiftyMachines
let squares = try await withThrowingTaskGroup { group in
    for number in 1...50 as ClosedRange<UInt16> { group.addTask { try await square(of: number) } }
    var squares: [UInt32] = []
    for try await square in group { squares.append(square) }
    return squares
}
print("\(squares.count) machines have made the squares of 1 to 50. Their sum is \(squares.reduce(0, +)).")

func square(of number: UInt16) async throws -> UInt32 {
    let control = MachineControl()
    // Real mode: mov 0x8000, %ax; mul %ax; mov %ax, 0x8002; mov %dx, 0x8004; hlt
    var configuration = MachineConfiguration(
        image: .bytes([0xA1, 0x00, 0x80, 0xF7, 0xE0, 0xA3, 0x02, 0x80, 0x89, 0x16, 0x04, 0x80, 0xF4]))
    configuration.memorySize = 1 << 20
    configuration.timeout = .seconds(60)
    configuration.control = control
    let machine = try await VirtualMachine(configuration)
    try control.memory.write([UInt8(number & 0xFF), UInt8(number >> 8)], at: 0x8000)
    let finished = await machine.run()
    guard try finished.reason == .halted else { throw OtherEnd(reason: try finished.reason) }
    let bytes = try finished.memory.read(at: 0x8002, count: 4)
    return bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
}

struct OtherEnd: Error {
    let reason: StopReason
}
