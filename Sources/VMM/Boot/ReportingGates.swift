import DeviceModel

/// What stands in the interrupt table that a guest begins with: for each vector a gate to a few bytes that tell swiftvmm of it, so that
/// an exception or an interrupt which nobody handles ends the run by its name. A guest that loads a table of its own is rid of them.
struct ReportingGates: Equatable, Sendable {
    /// A vector's code is OUT to a port of ours, an exit whose instruction pointer tells which vector it is, and IRET.
    private static let stubSize = UInt64(BIOSCode.stubSize)
    private static let stub = BIOSCode.stub(port: UInt8(truncatingIfNeeded: Ports.vectors))

    /// Guest-physical, and linear where the guest begins: of the table.
    let table: UInt64
    /// The same of the first vector's code; the others' follow.
    let stubs: UInt64
    let mode: CPUMode

    /// Real mode has 256 vectors; of the others only those that the processor raises by itself have a gate.
    var count: Int { mode == .real ? 256 : 32 }

    /// Offset of the table's last byte.
    var limit: UInt16 {
        switch mode {
        case .real: 256 * 4 - 1
        case .protected: 32 * 8 - 1
        case .long: 32 * 16 - 1
        }
    }

    /// What is placed for them.
    var pieces: [BootPlan.Piece] {
        // Made in one go: every start of a guest waits for it.
        var gates: [UInt8] = []
        var code: [UInt8] = []
        gates.reserveCapacity(Int(limit) + 1)
        code.reserveCapacity(count * Int(Self.stubSize))
        for vector in 0..<count {
            append(gate: vector, to: &gates)
            code += Self.stub
        }
        return [
            BootPlan.Piece(name: "interrupt table", bytes: gates, at: table),
            BootPlan.Piece(name: "interrupt stubs", bytes: code, at: stubs),
        ]
    }

    /// The vector whose code an exit comes from.
    ///
    /// - Parameter address: linear, of the instruction that caused the exit, or of the next one: hosts differ.
    func vector(at address: UInt64) -> UInt8? {
        let offset = address &- stubs
        guard offset < UInt64(count) * Self.stubSize, offset % Self.stubSize <= UInt64(BIOSCode.outSize) else {
            return nil
        }
        return UInt8(truncatingIfNeeded: offset / Self.stubSize)
    }

    /// Real mode's are offset and segment (Intel SDM vol. 3A section 21.1.4). The others' are interrupt gates (sections 7.11 and 7.14.1),
    /// open to ring 3, so that what a program calls by INT is told as itself.
    private func append(gate vector: Int, to gates: inout [UInt8]) {
        let place = stubs + UInt64(vector) * Self.stubSize
        guard mode != .real else {
            gates.appendLittleEndian(UInt16(truncatingIfNeeded: place - LowMemory.biosSegment))
            gates.appendLittleEndian(UInt16(truncatingIfNeeded: LowMemory.biosSegment >> 4))
            return
        }
        gates.appendLittleEndian(UInt16(truncatingIfNeeded: place))
        gates.appendLittleEndian(BootDescriptorTable.gateSelector)
        gates += [mode == .long ? BootDescriptorTable.exceptionStack : 0, 0xEE]
        gates.appendLittleEndian(UInt16(truncatingIfNeeded: place >> 16))
        // All lies below 4 GiB.
        if mode == .long { gates.appendLittleEndian(UInt64(0)) }
    }
}
