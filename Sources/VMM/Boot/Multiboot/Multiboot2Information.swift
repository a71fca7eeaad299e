import DeviceModel

/// What a kernel of Multiboot's second version is told, tag by tag (Multiboot2 Specification 2.0, section 3.6).
enum Multiboot2Information {
    /// For EAX.
    static let magic: UInt32 = 0x36D7_6289

    /// The tags that are given.
    enum Kind: UInt32 {
        case end = 0
        case commandLine = 1
        case loaderName = 2
        case module = 3
        case memory = 4
        case memoryMap = 6
        case framebuffer = 8
        case sections = 9
        case oldRSDP = 14
        case newRSDP = 15
        case loadBase = 21
    }

    /// The highest number that the specification gives to a tag.
    static let lastKnown: UInt32 = 21

    static func pieces(
        _ kernel: MultibootKernel, _ information: BootInformation, _ free: inout FreeMemory
    ) throws(VMMError) -> [BootPlan.Piece] {
        let sections = kernel.sections?.placed(&free)
        let bytes = try bytes(kernel, information, sections?.table)
        let place = try BootInformation.room(for: bytes.count, in: &free)
        return [BootPlan.Piece(name: BootInformation.pieceName, bytes: bytes, at: place)] + (sections?.pieces ?? [])
    }

    private static func bytes(
        _ kernel: MultibootKernel, _ information: BootInformation, _ sections: [UInt8]?
    ) throws(VMMError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 8)
        func add(_ kind: Kind, _ content: [UInt8]) {
            bytes.appendLittleEndian(kind.rawValue)
            bytes.appendLittleEndian(UInt32(truncatingIfNeeded: 8 + content.count))
            bytes += content
            bytes += [UInt8](repeating: 0, count: -bytes.count & 7)
        }
        // Neither this nor a module's text begins with a name: so GRUB has it, by which kernels of this version are made.
        add(.commandLine, try BootInformation.text(information.commandLine, what: "the command line"))
        add(.loaderName, Array(MultibootKernel.loaderName.utf8) + [0])
        for module in information.modules {
            let ends = [module.start, module.start &+ module.size].map { UInt32(truncatingIfNeeded: $0) }
            add(.module, words(ends) + (try BootInformation.text(module.arguments, what: "a module's text")))
        }
        add(.memory, words([information.kilobytes(from: 0), information.kilobytes(from: LowMemory.flatImage)]))
        add(.memoryMap, memoryMap(information))
        if kernel.wantsFramebuffer { add(.framebuffer, MultibootScreen.fields + [0, 0]) }
        if let headers = kernel.sections, let sections {
            let numbers = [headers.count, headers.entrySize, headers.nameIndex]
            add(.sections, words(numbers.map { UInt32(truncatingIfNeeded: $0) }) + sections)
        }
        // ACPI 1.0's root pointer is the first 20 bytes of later ones.
        if information.rsdpBytes.count >= 20 { add(.oldRSDP, Array(information.rsdpBytes.prefix(20))) }
        if information.rsdpBytes.count >= 36 { add(.newRSDP, information.rsdpBytes) }
        if let base = kernel.loadBase { add(.loadBase, words([base])) }
        add(.end, [])
        bytes.storeLittleEndian(UInt32(truncatingIfNeeded: bytes.count), at: 0)
        return bytes
    }

    private static func words(_ values: [UInt32]) -> [UInt8] {
        var bytes: [UInt8] = []
        for value in values { bytes.appendLittleEndian(value) }
        return bytes
    }

    private static func memoryMap(_ information: BootInformation) -> [UInt8] {
        var map = words([24, 0])  // an entry's size, and the version of its layout
        for entry in information.memoryMap {
            map.appendLittleEndian(entry.start)
            map.appendLittleEndian(entry.end &- entry.start)
            map += words([entry.kind.rawValue, 0])
        }
        return map
    }
}
