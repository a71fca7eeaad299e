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

    init(memoryMap: [E820Entry], commandLine: String) throws(VMMError) {
        self.memoryMap = memoryMap
        self.commandLine = Array(commandLine.utf8)
        guard self.commandLine.count < Self.commandLineSize else {
            throw .configuration(
                "the command line has \(self.commandLine.count) bytes; a guest takes \(Self.commandLineSize - 1) at most"
            )
        }
        guard !self.commandLine.contains(0) else {
            throw .configuration("the command line holds a zero byte, which would end it early; leave it out")
        }
    }

    /// The page itself.
    var bytes: [UInt8] {
        var page = [UInt8](repeating: 0, count: Self.size)
        page.storeLittleEndian(UInt8(memoryMap.count), at: 0x1E8)
        page.storeLittleEndian(UInt16(0xAA55), at: 0x1FE)
        page.storeLittleEndian(UInt32(0x5372_6448), at: 0x202)  // "HdrS": the setup header below is filled in
        page.storeLittleEndian(UInt16(0x020F), at: 0x206)
        page.storeLittleEndian(UInt8(0xFF), at: 0x210)  // a boot loader without a number of its own
        page.storeLittleEndian(UInt32(LowMemory.commandLine), at: 0x228)
        page.storeLittleEndian(UInt32(Self.commandLineSize - 1), at: 0x238)
        for (index, entry) in memoryMap.enumerated() {
            page.storeLittleEndian(entry.start, at: 0x2D0 + index * 20)
            page.storeLittleEndian(entry.end - entry.start, at: 0x2D8 + index * 20)
            page.storeLittleEndian(entry.kind.rawValue, at: 0x2E0 + index * 20)
        }
        return page
    }
}
