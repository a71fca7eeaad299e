import DeviceModel

@testable import VMM

/// Guest memory without a machine.
extension GuestRAM {
    static func make(_ size: UInt64) throws(VMMError) -> GuestRAM {
        try GuestRAM(MemoryMap(size: size, physicalAddressBits: 46))
    }
}

extension GuestMemory {
    /// Nil where there is no memory.
    func load(_ count: Int, at address: UInt64) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0xEE, count: count)
        var span = bytes.mutableSpan
        do throws(GuestMemoryError) {
            try read(at: GuestAddress(address), into: &span)
        } catch {
            return nil
        }
        return bytes
    }
}

extension BootTables {
    /// Writes the tables without a plan.
    static func write(for mode: CPUMode, _ information: BootInformation, into memory: GuestMemory) throws {
        for piece in try pieces(for: BootProtocol(mode, entry: 0), information) {
            if case .bytes(let bytes) = piece.content { try memory.write(bytes.span, at: GuestAddress(piece.address)) }
        }
    }

    /// The tables of a protocol that needs no room for them.
    static func pieces(for boot: BootProtocol, _ information: BootInformation) throws -> [BootPlan.Piece] {
        var free = FreeMemory([])
        return try pieces(for: boot, information, &free)
    }
}
