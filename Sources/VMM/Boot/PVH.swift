import DeviceModel

/// What a PVH kernel is told, the structure that EBX points to and what it points to in turn (Xen,
/// xen/include/public/arch-x86/hvm/start_info.h).
enum PVHStartInformation {
    private static let magic: UInt32 = 0x336E_C578
    private static let size = 56

    static func pieces(
        _ information: BootInformation, _ free: inout FreeMemory
    ) throws(VMMError) -> [BootPlan.Piece] {
        let size = try bytes(information, at: 0).count
        let place = try BootInformation.room(for: size, in: &free)
        return [BootPlan.Piece(name: BootInformation.pieceName, bytes: try bytes(information, at: place), at: place)]
    }

    /// The structure, and behind it everything that it points to.
    ///
    /// - Parameter base: where it will lie.
    private static func bytes(_ information: BootInformation, at base: UInt64) throws(VMMError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        /// Adds something, and gives its address.
        func add(_ more: [UInt8]) -> UInt64 {
            bytes += [UInt8](repeating: 0, count: -bytes.count & 7)
            defer { bytes += more }
            return base &+ UInt64(bytes.count)
        }
        bytes.storeLittleEndian(magic, at: 0)
        bytes.storeLittleEndian(UInt32(1), at: 4)  // the version that has a memory map
        bytes.storeLittleEndian(UInt32(truncatingIfNeeded: information.modules.count), at: 12)
        if !information.modules.isEmpty {
            var list: [UInt8] = []
            for module in information.modules {
                let hasText = !module.arguments.isEmpty
                let text = try BootInformation.text(module.arguments, what: "a module's text")
                for value in [module.start, module.size, hasText ? add(text) : 0, 0] {
                    list.appendLittleEndian(value)
                }
            }
            bytes.storeLittleEndian(add(list), at: 16)
        }
        let line = try BootInformation.text(information.commandLine, what: "the command line")
        bytes.storeLittleEndian(add(line), at: 24)
        bytes.storeLittleEndian(information.rsdp ?? 0, at: 32)
        var map: [UInt8] = []
        for entry in information.memoryMap {
            map.appendLittleEndian(entry.start)
            map.appendLittleEndian(entry.end &- entry.start)
            map.appendLittleEndian(UInt64(entry.kind.rawValue))
        }
        bytes.storeLittleEndian(add(map), at: 40)
        bytes.storeLittleEndian(UInt32(truncatingIfNeeded: information.memoryMap.count), at: 48)
        return bytes
    }
}

extension ELFImage {
    /// The entry that a note names, guest-physical: 32 or 64 bits, as the note has it (Xen, public/elfnote.h, XEN_ELFNOTE_PHYS32_ENTRY).
    public var pvhEntry: UInt64? {
        guard let note = notes.first(where: { $0.name == "Xen" && $0.type == 18 }) else { return nil }
        return note.content.loadLittleEndian(UInt64.self, at: 0)
            ?? note.content.loadLittleEndian(UInt32.self, at: 0).map { UInt64($0) }
    }

    /// How it is loaded and entered by that.
    func pvhPlan(ram: [GuestMemory.Region]) throws(ImageError) -> BootPlan {
        if let fault { throw fault }
        guard let entry = pvhEntry else { throw .elf(.noPVHNote) }
        return try BootPlan(self, ram: ram, entry: entry &+ bias) { _, entry in
            // Below 4 GiB, or the plan refuses it.
            .pvh(entry: UInt32(truncatingIfNeeded: entry))
        }
    }
}
