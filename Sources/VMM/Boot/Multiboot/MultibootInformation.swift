import DeviceModel

/// What a Multiboot kernel is told, the structure that EBX points to and what it points to in turn (Multiboot Specification 0.6.96,
/// section 3.3).
enum MultibootInformation {
    /// For EAX.
    static let magic: UInt32 = 0x2BAD_B002
    private static let size = 116

    /// The structure's flags: which of its fields are there.
    private enum Flag {
        static let memory: UInt32 = 1 << 0
        static let commandLine: UInt32 = 1 << 2
        static let modules: UInt32 = 1 << 3
        static let sections: UInt32 = 1 << 5
        static let memoryMap: UInt32 = 1 << 6
        static let loaderName: UInt32 = 1 << 9
        static let framebuffer: UInt32 = 1 << 12
    }

    static func pieces(
        _ kernel: MultibootKernel, _ information: BootInformation, _ free: inout FreeMemory
    ) throws(VMMError) -> [BootPlan.Piece] {
        let sections = kernel.sections?.placed(&free)
        let size = try bytes(kernel, information, sections?.table, at: 0).count
        let place = try BootInformation.room(for: size, in: &free)
        // Below 4 GiB, as all room is that is taken from below.
        let base = UInt32(truncatingIfNeeded: place)
        let bytes = try bytes(kernel, information, sections?.table, at: base)
        return [BootPlan.Piece(name: BootInformation.pieceName, bytes: bytes, at: place)] + (sections?.pieces ?? [])
    }

    /// The structure, and behind it everything that it points to.
    ///
    /// - Parameter base: where it will lie.
    private static func bytes(
        _ kernel: MultibootKernel, _ information: BootInformation, _ sections: [UInt8]?, at base: UInt32
    ) throws(VMMError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        var flags = Flag.memory | Flag.commandLine | Flag.memoryMap | Flag.loaderName
        /// Adds something, and gives its address.
        func add(_ more: [UInt8]) -> UInt32 {
            bytes += [UInt8](repeating: 0, count: -bytes.count & 7)
            defer { bytes += more }
            return base &+ UInt32(truncatingIfNeeded: bytes.count)
        }
        bytes.storeLittleEndian(information.kilobytes(from: 0), at: 4)
        bytes.storeLittleEndian(information.kilobytes(from: LowMemory.flatImage), at: 8)
        // The first word is the image's name, as if the kernel were a program.
        let words = [information.imageName, information.commandLine].filter { !$0.isEmpty }
        let line = try BootInformation.text(words.joined(separator: " "), what: "the command line")
        bytes.storeLittleEndian(add(line), at: 16)
        if !information.modules.isEmpty {
            flags |= Flag.modules
            var list: [UInt8] = []
            for module in information.modules {
                let words = [module.name, module.arguments].filter { !$0.isEmpty }
                let text = try BootInformation.text(words.joined(separator: " "), what: "a module's text")
                list.appendLittleEndian(UInt32(truncatingIfNeeded: module.start))
                list.appendLittleEndian(UInt32(truncatingIfNeeded: module.start &+ module.size))
                list.appendLittleEndian(add(text))
                list.appendLittleEndian(UInt32(0))
            }
            bytes.storeLittleEndian(UInt32(truncatingIfNeeded: information.modules.count), at: 20)
            bytes.storeLittleEndian(add(list), at: 24)
        }
        if let headers = kernel.sections, let table = sections {
            flags |= Flag.sections
            bytes.storeLittleEndian(UInt32(truncatingIfNeeded: headers.count), at: 28)
            bytes.storeLittleEndian(UInt32(truncatingIfNeeded: headers.entrySize), at: 32)
            bytes.storeLittleEndian(add(table), at: 36)
            bytes.storeLittleEndian(UInt32(truncatingIfNeeded: headers.nameIndex), at: 40)
        }
        let map = memoryMap(information)
        bytes.storeLittleEndian(UInt32(truncatingIfNeeded: map.count), at: 44)
        bytes.storeLittleEndian(add(map), at: 48)
        bytes.storeLittleEndian(add(Array(MultibootKernel.loaderName.utf8) + [0]), at: 64)
        if kernel.wantsFramebuffer {
            flags |= Flag.framebuffer
            bytes.replaceSubrange(88..<110, with: MultibootScreen.fields)
        }
        bytes.storeLittleEndian(flags, at: 0)
        return bytes
    }

    /// Each entry begins with how much of it follows.
    private static func memoryMap(_ information: BootInformation) -> [UInt8] {
        var map: [UInt8] = []
        for entry in information.memoryMap {
            map.appendLittleEndian(UInt32(20))
            map.appendLittleEndian(entry.start)
            map.appendLittleEndian(entry.end &- entry.start)
            map.appendLittleEndian(entry.kind.rawValue)
        }
        return map
    }
}

/// The screen of a PC after its start, as both versions tell it: 80 × 25 letters (Multiboot Specification 0.6.96, section 3.3,
/// `framebuffer_*`; Multiboot2 Specification 2.0, section 3.6.12).
enum MultibootScreen {
    /// From `framebuffer_addr` to `framebuffer_type`.
    static var fields: [UInt8] {
        var fields: [UInt8] = []
        fields.appendLittleEndian(LowMemory.screen)
        for value in [160, 80, 25] as [UInt32] { fields.appendLittleEndian(value) }  // bytes in a line, letters, lines
        fields += [16, 2]  // bits for each letter; text
        return fields
    }
}
