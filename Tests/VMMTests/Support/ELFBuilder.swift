/// Makes ELF files field by field (System V gABI 4.1, figures 4-3 and 5-1), right ones unless a test spoils them.
struct ELFBuilder {
    struct Segment {
        /// PT_LOAD.
        var type: UInt32 = 1
        var virtualAddress: UInt64 = 0x10_0000
        var physicalAddress: UInt64 = 0x10_0000
        var content: [UInt8] = [0xF4]
        /// In place of the content's length.
        var fileSize: UInt64?
        /// In place of the content's length.
        var memorySize: UInt64?
        /// In place of where the content is.
        var fileOffset: UInt64?
        var alignment: UInt64 = 0x1000
    }

    var is64Bit = true
    var fileClass: UInt8?
    var encoding: UInt8 = 1
    /// ET_EXEC.
    var type: UInt16 = 2
    /// EM_X86_64 or EM_386.
    var machine: UInt16?
    var entry: UInt64 = 0x10_0000
    var segments = [Segment()]
    var tableOffset: UInt64?
    var entrySize: UInt16?
    var count: UInt16?

    private var headerSize: Int { is64Bit ? 64 : 52 }
    private var programHeaderSize: Int { is64Bit ? 56 : 32 }

    /// The file: header, program headers, and the segments' contents one after the other.
    var bytes: [UInt8] {
        var table: [UInt8] = []
        var contents: [UInt8] = []
        let contentsOffset = headerSize + segments.count * programHeaderSize
        for segment in segments {
            table += header(of: segment, at: UInt64(contentsOffset + contents.count))
            contents += segment.content
        }
        return fileHeader + table + contents
    }

    private var fileHeader: [UInt8] {
        var header: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, fileClass ?? (is64Bit ? 2 : 1), encoding, 1]
        header += [UInt8](repeating: 0, count: 9)
        header += Self.bytes(type, 2) + Self.bytes(machine ?? (is64Bit ? 62 : 3), 2) + Self.bytes(1, 4)
        header += word(entry) + word(tableOffset ?? UInt64(headerSize)) + word(0)
        header += Self.bytes(0, 4) + Self.bytes(headerSize, 2)
        header += Self.bytes(entrySize ?? UInt16(programHeaderSize), 2) + Self.bytes(count ?? UInt16(segments.count), 2)
        header += Self.bytes(0, 6)
        return header
    }

    private func header(of segment: Segment, at offset: UInt64) -> [UInt8] {
        let length = UInt64(segment.content.count)
        let flags = Self.bytes(7, 4)
        var header = Self.bytes(segment.type, 4)
        if is64Bit { header += flags }
        header += word(segment.fileOffset ?? offset) + word(segment.virtualAddress) + word(segment.physicalAddress)
        header += word(segment.fileSize ?? length) + word(segment.memorySize ?? length)
        if !is64Bit { header += flags }
        return header + word(segment.alignment)
    }

    private func word(_ value: UInt64) -> [UInt8] { Self.bytes(value, is64Bit ? 8 : 4) }

    /// Little-endian.
    private static func bytes(_ value: some BinaryInteger, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}
