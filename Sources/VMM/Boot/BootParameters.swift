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
        page.store(UInt8(memoryMap.count), at: 0x1E8)
        page.store(UInt16(0xAA55), at: 0x1FE)
        page.store(UInt32(0x5372_6448), at: 0x202)  // "HdrS": the setup header below is filled in
        page.store(UInt16(0x020F), at: 0x206)
        page.store(UInt8(0xFF), at: 0x210)  // a boot loader without a number of its own
        page.store(UInt32(LowMemory.commandLine), at: 0x228)
        page.store(UInt32(Self.commandLineSize - 1), at: 0x238)
        for (index, entry) in memoryMap.enumerated() {
            page.store(entry.start, at: 0x2D0 + index * 20)
            page.store(entry.end - entry.start, at: 0x2D8 + index * 20)
            page.store(entry.kind.rawValue, at: 0x2E0 + index * 20)
        }
        return page
    }
}

extension [UInt8] {
    /// Little-endian; for offsets that the program itself names.
    fileprivate mutating func store(_ value: some FixedWidthInteger & UnsignedInteger, at offset: Int) {
        for byte in 0..<value.bitWidth / 8 {
            self[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte))
        }
    }
}
