import DeviceModel

/// Linux's boot parameters, the "zero page", which every 64-bit image is given in RSI (Linux
/// Documentation/arch/x86/zero-page.rst and boot.rst).
struct BootParameters: Equatable, Sendable {
    static let size = 4096
    /// What Linux takes, with the zero byte at the end (COMMAND_LINE_SIZE).
    static let commandLineSize = 2048

    let memoryMap: [E820Entry]
    /// Without a zero byte.
    let commandLine: [UInt8]
    /// The kernel's own, from offset 0x1F1 on; empty where it has none.
    private let setupHeader: [UInt8]
    private let initrd: BootInformation.Module?
    private let rsdp: UInt64?

    /// - Parameter kernel: nil for an image that is entered as Linux is without being Linux.
    init(_ information: BootInformation, kernel: LinuxKernel? = nil) throws(VMMError) {
        memoryMap = information.memoryMap
        commandLine = Array(information.commandLine.utf8)
        setupHeader = kernel?.setupHeader ?? []
        initrd = information.modules.first
        rsdp = information.rsdp
        let limit = min(Self.commandLineSize - 1, kernel?.commandLineLimit ?? .max)
        guard commandLine.count <= limit else {
            throw .configuration(Self.tooLong(commandLine.count, limit: limit))
        }
        guard !self.commandLine.contains(0) else {
            throw .configuration("the command line holds a zero byte, which would end it early; leave it out")
        }
    }

    /// - Parameter limit: less than ``commandLineSize`` - 1 where the kernel's header has it (`cmdline_size`).
    private static func tooLong(_ count: Int, limit: Int) -> String {
        guard limit > 0 else {
            return "this kernel takes no command line (cmdline_size in its header is 0); leave the command line out"
        }
        let whose =
            limit < commandLineSize - 1
            ? "this kernel takes \(limit) at most (cmdline_size in its header)" : "a guest takes \(limit) at most"
        return
            "the command line, with the words that are added to it, has \(count) bytes, and \(whose); make it shorter"
    }

    /// The page itself.
    var bytes: [UInt8] {
        var page = [UInt8](repeating: 0, count: Self.size)
        // No longer than its room: the kernel's file was read only so far.
        page.replaceSubrange(0x1F1..<0x1F1 + setupHeader.count, with: setupHeader)
        page.storeLittleEndian(UInt8(memoryMap.count), at: 0x1E8)
        if setupHeader.isEmpty {
            page.storeLittleEndian(UInt16(0xAA55), at: 0x1FE)
            page.storeLittleEndian(UInt32(0x5372_6448), at: 0x202)  // "HdrS": the setup header below is filled in
            page.storeLittleEndian(UInt16(0x020F), at: 0x206)
            page.storeLittleEndian(UInt32(Self.commandLineSize - 1), at: 0x238)
        }
        page.storeLittleEndian(UInt8(0xFF), at: 0x210)  // a boot loader without a number of its own
        page.storeLittleEndian(UInt32(LowMemory.commandLine), at: 0x228)
        // Whatever the kernel's header has there. The upper halves of both are elsewhere.
        let (start, size) = (initrd?.start ?? 0, initrd?.size ?? 0)
        page.storeLittleEndian(UInt32(truncatingIfNeeded: start), at: 0x218)
        page.storeLittleEndian(UInt32(truncatingIfNeeded: size), at: 0x21C)
        page.storeLittleEndian(UInt32(truncatingIfNeeded: start >> 32), at: 0x0C0)
        page.storeLittleEndian(UInt32(truncatingIfNeeded: size >> 32), at: 0x0C4)
        if let rsdp { page.storeLittleEndian(rsdp, at: 0x070) }
        for (index, entry) in memoryMap.enumerated() {
            page.storeLittleEndian(entry.start, at: 0x2D0 + index * 20)
            page.storeLittleEndian(entry.end - entry.start, at: 0x2D8 + index * 20)
            page.storeLittleEndian(entry.kind.rawValue, at: 0x2E0 + index * 20)
        }
        return page
    }
}
