import DeviceModel

/// What has to be changed in an executable that can be loaded anywhere: words that hold addresses, to which the distance from where it was
/// linked is added (System V ABI, gABI 4.1, chapter 4 "Relocation" and chapter 5 "Dynamic Section"; x86-64 and i386 supplements,
/// R_X86_64_RELATIVE and R_386_RELATIVE).
struct ELFRelocations: Equatable, Sendable {
    /// More than any kernel has.
    static let limit: UInt64 = 1 << 20

    /// A word that holds an address.
    struct Word: Equatable, Sendable {
        /// Guest-physical, as the image was linked.
        let place: UInt64
        /// The address, as the image was linked; nil where the word itself holds it.
        let address: UInt64?
    }

    let fileClass: ELFClass
    let words: [Word]
    /// In bytes, modulo 2^64.
    var shift: UInt64 = 0

    /// Tags of the dynamic section (gABI figure 5-10).
    private enum Tag: UInt64 {
        case needed = 1
        case pltSize = 2
        case rela = 7
        case relaSize = 8
        case relaEntrySize = 9
        case rel = 17
        case relSize = 18
        case relEntrySize = 19
        case plt = 23
        case relrSize = 35
    }

    /// Reads what the dynamic section names.
    ///
    /// - Parameters:
    ///   - dynamic: the PT_DYNAMIC segment.
    ///   - segments: all PT_LOAD segments, checked against the file.
    init(
        _ fileClass: ELFClass, dynamic: ELFImage.Segment, _ segments: [ELFImage.Segment], in image: ImageReader
    ) throws(ImageError) {
        self.fileClass = fileClass
        let tags = try Self.tags(fileClass, dynamic, image)
        guard tags[.needed] == nil else { throw .elf(.needsDynamicLinker) }
        guard tags[.relrSize] ?? 0 == 0 else { throw .elf(.relocationKind("RELR")) }
        guard tags[.pltSize] ?? 0 == 0 else { throw .elf(.relocationKind("PLT")) }
        // Each of the two has one kind of its own (psABI, "Relocation").
        let (hasAddends, table, size, entrySize): (Bool, Tag, Tag, Tag) =
            fileClass == .elf64 ? (true, .rela, .relaSize, .relaEntrySize) : (false, .rel, .relSize, .relEntrySize)
        guard tags[hasAddends ? .relSize : .relaSize] ?? 0 == 0 else {
            throw .elf(.relocationKind(hasAddends ? "REL" : "RELA"))
        }
        let byteCount = tags[size] ?? 0
        guard byteCount > 0 else {
            words = []
            return
        }
        let word = fileClass.bitWidth / 8
        let expectedSize = UInt64(word * (hasAddends ? 3 : 2))
        guard let start = tags[table], tags[entrySize] ?? expectedSize == expectedSize, byteCount % expectedSize == 0,
            let offset = Self.fileOffset(of: start, count: byteCount, in: segments)
        else { throw .elf(.badDynamicSection(hasAddends ? "DT_RELA" : "DT_REL")) }
        let count = byteCount / expectedSize
        guard count <= Self.limit else { throw .elf(.tooManyRelocations(count)) }
        let bytes = try image.bytes(at: offset, count: Int(byteCount), part: "ELF relocations")
        words = try Self.words(fileClass, bytes, entrySize: Int(expectedSize), hasAddends: hasAddends, segments)
    }

    private static func tags(
        _ fileClass: ELFClass, _ dynamic: ELFImage.Segment, _ image: ImageReader
    ) throws(ImageError) -> [Tag: UInt64] {
        // A few dozen are usual.
        guard dynamic.fileSize <= 64 << 10 else { throw .elf(.badDynamicSection("PT_DYNAMIC")) }
        let bytes = try image.bytes(
            at: dynamic.fileOffset, count: Int(dynamic.fileSize), part: "ELF dynamic section")
        let fields = ByteFields(bytes[...])
        let word = fileClass.bitWidth / 8
        var tags: [Tag: UInt64] = [:]
        for entry in 0..<bytes.count / (2 * word) {
            let number = fileClass.address(fields, at: entry * 2 * word)
            if number == 0 { break }
            if let tag = Tag(rawValue: number) { tags[tag] = fileClass.address(fields, at: (entry * 2 + 1) * word) }
        }
        return tags
    }

    /// Where in the file bytes stand that are loaded from there; nil where they are not all in one segment.
    private static func fileOffset(
        of address: UInt64, count: UInt64, in segments: [ELFImage.Segment]
    ) -> UInt64? {
        for segment in segments {
            guard let offset = segment.offset(of: address, from: segment.virtualAddress), offset < segment.fileSize,
                count <= segment.fileSize &- offset
            else { continue }
            return segment.fileOffset &+ offset
        }
        return nil
    }

    private static func words(
        _ fileClass: ELFClass, _ bytes: [UInt8], entrySize: Int, hasAddends: Bool, _ segments: [ELFImage.Segment]
    ) throws(ImageError) -> [Word] {
        let width = fileClass.bitWidth / 8
        let fields = ByteFields(bytes[...])
        var words: [Word] = []
        words.reserveCapacity(bytes.count / entrySize)
        // There may be a million words and hundreds of segments: the last one that begins at or below an address is found by halves.
        let sorted = segments.sorted { $0.virtualAddress < $1.virtualAddress }
        func place(_ address: UInt64) -> UInt64? {
            var (low, high) = (0, sorted.count)
            while low < high {
                let middle = (low + high) / 2
                if sorted[middle].virtualAddress <= address { low = middle + 1 } else { high = middle }
            }
            guard low > 0 else { return nil }
            let segment = sorted[low - 1]
            guard let offset = segment.offset(of: address, from: segment.virtualAddress),
                UInt64(width) <= segment.memorySize &- offset
            else { return nil }
            return segment.physicalAddress &+ offset
        }
        for entry in stride(from: 0, to: bytes.count, by: entrySize) {
            let information = fileClass.address(fields, at: entry + width)
            let kind = fileClass == .elf64 ? information & 0xFFFF_FFFF : information & 0xFF
            // Both have the same numbers: none, and relative.
            if kind == 0 { continue }
            guard kind == 8 else { throw .elf(.relocationKind("\(kind)")) }
            guard let place = place(fileClass.address(fields, at: entry)) else { throw .elf(.relocationOutside) }
            words.append(
                Word(place: place, address: hasAddends ? fileClass.address(fields, at: entry + 2 * width) : nil))
        }
        return words
    }

    /// The same for an image that lies elsewhere.
    func moved(by shift: UInt64) -> ELFRelocations {
        var moved = self
        moved.shift = shift
        return moved
    }

    /// Changes the words of the image, which is loaded.
    func apply(in memory: GuestMemory) throws(GuestMemoryError) {
        guard shift != 0 || fileClass == .elf64 else { return }
        for word in words {
            let place = GuestAddress(word.place &+ shift)
            switch fileClass {
            case .elf64:
                let address = if let address = word.address { address } else { try memory.load(UInt64.self, at: place) }
                try memory.store(address &+ shift, at: place)
            case .elf32:
                let address = try memory.load(UInt32.self, at: place)
                try memory.store(address &+ UInt32(truncatingIfNeeded: shift), at: place)
            }
        }
    }
}
