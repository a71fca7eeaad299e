import DeviceModel

/// The section headers of an ELF file, for a kernel that looks up its own symbols (System V ABI, gABI 4.1, chapter 4). They are told as
/// they stand in the file, but for the addresses of what is loaded beside the image, and of all sections of an image that is relocated.
struct ELFSections: Equatable, Sendable {
    /// More than any kernel has.
    private static let countLimit = 4096
    private static let contentLimit = 256

    /// A section that is not part of the image in memory, such as the symbols.
    struct Content: Equatable, Sendable {
        /// Where the section's `sh_addr` stands in the table, in bytes.
        let addressField: Int
        let fileOffset: UInt64
        /// In bytes.
        let size: UInt64
        /// A power of 2.
        let alignment: UInt64
    }

    let fileClass: ELFClass
    /// Of one header, in bytes.
    let entrySize: Int
    let count: Int
    /// Of the section that holds the sections' names.
    let nameIndex: Int
    /// All headers.
    let table: [UInt8]
    let contents: [Content]

    /// Nil where the file has none, or none that can be read: a kernel can do without.
    ///
    /// - Parameter shift: how far the image is relocated, in bytes, modulo 2^64.
    init?(of header: ELFHeader, in image: ImageReader, shift: UInt64 = 0) {
        fileClass = header.fileClass
        let is64Bit = header.fileClass == .elf64
        guard let bytes = try? image.bytes(at: 0, count: header.fileClass.headerSize, part: "ELF header") else {
            return nil
        }
        let fields = ByteFields(bytes[...])
        // e_shoff; e_shentsize, e_shnum and e_shstrndx follow each other (figure 4-3).
        let offset = header.fileClass.address(fields, at: is64Bit ? 40 : 32)
        let words = (0..<3).map { Int(fields.load(UInt16.self, at: (is64Bit ? 58 : 46) + $0 * 2) ?? 0) }
        (entrySize, count, nameIndex) = (words[0], words[1], words[2])
        guard (1...Self.countLimit).contains(count), (is64Bit ? 64 : 40)...256 ~= entrySize, offset > 0,
            let table = try? image.bytes(at: offset, count: count * entrySize, part: "ELF section headers")
        else { return nil }
        self.table = Self.moved(table, entrySize, header.fileClass, by: shift)
        contents = Self.contents(table, entrySize, header.fileClass, imageSize: image.size)
    }

    /// What is loaded with the image (SHF_ALLOC) has its address where it lies.
    private static func moved(_ table: [UInt8], _ entrySize: Int, _ fileClass: ELFClass, by shift: UInt64) -> [UInt8] {
        guard shift != 0 else { return table }
        let fields = ByteFields(table[...])
        var moved = table
        for start in stride(from: 0, to: table.count, by: entrySize) where isLoaded(fields, start, fileClass) {
            let place = start + addressField(fileClass)
            fileClass.store(fileClass.address(fields, at: place) &+ shift, at: place, in: &moved)
        }
        return moved
    }

    /// `sh_flags` follows the name and the type; `sh_addr` follows it.
    private static func isLoaded(_ fields: ByteFields, _ start: Int, _ fileClass: ELFClass) -> Bool {
        fileClass.address(fields, at: start + 8) & 2 != 0
    }

    private static func addressField(_ fileClass: ELFClass) -> Int { 8 + fileClass.bitWidth / 8 }

    /// Those with something in the file that is not loaded, which together are no larger than the file.
    private static func contents(
        _ table: [UInt8], _ entrySize: Int, _ fileClass: ELFClass, imageSize: UInt64
    ) -> [Content] {
        let fields = ByteFields(table[...])
        let word = fileClass.bitWidth / 8
        var contents: [Content] = []
        var rest = imageSize
        for start in stride(from: 0, to: table.count, by: entrySize) {
            let type = fields.load(UInt32.self, at: start + 4) ?? 0
            // sh_addr, sh_offset and sh_size follow each other; sh_addralign is behind two words of 32 bits.
            let address = start + addressField(fileClass)
            let offset = fileClass.address(fields, at: address + word)
            let size = fileClass.address(fields, at: address + 2 * word)
            let alignment = max(1, fileClass.address(fields, at: address + 3 * word + 8))
            // Neither SHT_NULL nor SHT_NOBITS.
            guard contents.count < contentLimit, type != 0, type != 8, !isLoaded(fields, start, fileClass),
                fileClass.address(fields, at: address) == 0, size > 0, size <= rest,
                offset <= imageSize &- size, alignment <= MemoryMap.pageSize, alignment.nonzeroBitCount == 1
            else { continue }
            rest &-= size
            contents.append(Content(addressField: address, fileOffset: offset, size: size, alignment: alignment))
        }
        return contents
    }

    /// The headers, and the sections' contents in guest memory as far as there is room.
    func placed(_ free: inout FreeMemory) -> (table: [UInt8], pieces: [BootPlan.Piece]) {
        var table = table
        var pieces: [BootPlan.Piece] = []
        for content in contents {
            guard
                let place = free.take(
                    content.size, .lowest(from: LowMemory.flatImage), alignment: max(16, content.alignment))
            else { continue }
            fileClass.store(place, at: content.addressField, in: &table)
            pieces.append(
                BootPlan.Piece(
                    name: "ELF section \(content.addressField / entrySize)", fileOffset: content.fileOffset,
                    fileSize: content.size, address: place, memorySize: content.size))
        }
        return (table, pieces)
    }
}
