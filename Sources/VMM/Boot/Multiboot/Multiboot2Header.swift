import DeviceModel

/// The header of a Multiboot kernel, version 2, with its tags (Multiboot2 Specification 2.0, section 3.1). Every number in it comes from
/// an untrusted file.
public struct Multiboot2Header: Equatable, Sendable {
    private static let magic: UInt32 = 0xE852_50D6
    /// All of it stands in so many bytes of the file's start.
    static let searchSize = 32768

    /// A tag: a wish, or a demand unless it is optional.
    public struct Tag: Equatable, Sendable {
        /// Those that this version of the specification has.
        public enum Kind: UInt16, Sendable {
            case informationRequest = 1
            case addresses = 2
            case entry = 3
            case consoleFlags = 4
            case framebuffer = 5
            case moduleAlignment = 6
            case efiBootServices = 7
            case efi32Entry = 8
            case efi64Entry = 9
            case relocatable = 10

            /// How many words its content has at least.
            fileprivate var wordCount: Int {
                switch self {
                case .informationRequest, .moduleAlignment, .efiBootServices: 0
                case .entry, .consoleFlags, .efi32Entry, .efi64Entry: 1
                case .framebuffer: 3
                case .addresses, .relocatable: 4
                }
            }
        }

        /// The specification's number.
        public let type: UInt16
        public let isOptional: Bool
        /// What follows type, flags and size, as words.
        public let words: [UInt32]

        /// Nil for one that is not known.
        public var kind: Kind? { Kind(rawValue: type) }
    }

    /// Where it stands in the file, in bytes.
    public let offset: Int
    /// In bytes.
    public let size: UInt32
    /// Without the one that ends them.
    public let tags: [Tag]

    /// Where in the file's first bytes a header begins whose numbers add up; nil where there is none.
    static func find(in start: [UInt8]) -> Int? {
        stride(from: 0, to: min(start.count, searchSize) - 15, by: 8).first { offset in
            guard start[offset] == 0xD6 else { return false }
            let words = (0..<4).map { start.loadLittleEndian(UInt32.self, at: offset + 4 * $0) ?? 0 }
            return words[0] == magic && words.reduce(0, &+) == 0
        }
    }

    init(reading image: ImageReader) throws(ImageError) {
        let start = try image.prefix(Self.searchSize)
        guard let offset = Self.find(in: start) else { throw .multiboot(.noHeader(version: 2)) }
        self.offset = offset
        let fields = ByteFields(start[offset...])
        let architecture = fields.load(UInt32.self, at: 4) ?? 0
        guard architecture == 0 else { throw .multiboot(.architecture(architecture)) }
        size = fields.load(UInt32.self, at: 8) ?? 0
        guard size <= start.count - offset else { throw .truncated("Multiboot 2 header") }
        tags = try Self.tags(in: start[offset...].prefix(Int(size)).dropFirst(16))
        for tag in tags where !tag.isOptional {
            guard let kind = tag.kind else { throw .multiboot(.unknownTag(type: tag.type)) }
            if kind == .efiBootServices { throw .multiboot(.needsEFI) }
        }
    }

    /// Each begins at a multiple of 8.
    private static func tags(in bytes: ArraySlice<UInt8>) throws(ImageError) -> [Tag] {
        var tags: [Tag] = []
        var rest = bytes
        while let type = rest.loadLittleEndian(UInt16.self, at: 0), type != 0 {
            let flags = rest.loadLittleEndian(UInt16.self, at: 2) ?? 0
            let size = rest.loadLittleEndian(UInt32.self, at: 4) ?? 0
            guard size >= 8, size <= rest.count else { throw .multiboot(.brokenTag(type: type, size: size)) }
            let content = rest.dropFirst(8).prefix(Int(size) - 8)
            let words = (0..<content.count / 4).compactMap { content.loadLittleEndian(UInt32.self, at: $0 * 4) }
            let tag = Tag(type: type, isOptional: flags & 1 != 0, words: words)
            guard words.count >= tag.kind?.wordCount ?? 0 else { throw .multiboot(.brokenTag(type: type, size: size)) }
            tags.append(tag)
            rest = rest.dropFirst((Int(size) + 7) & ~7)
        }
        return tags
    }

    /// The words of the first tag of a kind.
    private func words(_ kind: Tag.Kind) -> [UInt32]? { tags.first { $0.kind == kind }?.words }

    /// Where an image without program headers is loaded.
    public var addresses: MultibootAddresses? {
        guard let words = words(.addresses) else { return nil }
        // All ones stand for the file's first byte.
        let load = words[1] == .max ? words[0] &- UInt32(truncatingIfNeeded: offset) : words[1]
        return MultibootAddresses(header: words[0], load: load, loadEnd: words[2], bssEnd: words[3], entry: nil)
    }

    /// Where an image may be moved to; nil where it may not.
    public var relocation: MultibootRelocation? {
        words(.relocatable).map {
            MultibootRelocation(lowest: $0[0], highest: $0[1], alignment: $0[2], preference: $0[3])
        }
    }

    /// How the image is loaded and entered.
    ///
    /// - Parameter elf: what the file says as ELF; nil where it is none.
    func plan(
        _ image: ImageReader, _ elf: ELFImage?, ram: [GuestMemory.Region]
    ) throws(ImageError) -> BootPlan {
        try checkDemands()
        let entry = words(.entry)?[0]
        let (addresses, relocation) = (addresses, relocation)
        if addresses != nil, entry == nil, words(.efi32Entry) != nil || words(.efi64Entry) != nil {
            throw .multiboot(.needsEFI)
        }
        return try MultibootKernel.plan(
            image, elf,
            MultibootImage(headerOffset: offset, addresses: addresses, entry: entry, relocation: relocation), ram: ram
        ) { entry, sections, base in
            .multiboot2(
                MultibootKernel(
                    entry: entry, sections: sections, wantsFramebuffer: wantsFramebuffer,
                    loadBase: relocation == nil ? nil : base))
        }
    }

    private var wantsFramebuffer: Bool {
        words(.framebuffer) != nil || words(.consoleFlags) != nil
            || words(.informationRequest)?.contains(Multiboot2Information.Kind.framebuffer.rawValue) == true
    }

    private func checkDemands() throws(ImageError) {
        for tag in tags where !tag.isOptional {
            switch tag.kind {
            case .informationRequest:
                // What is known and not there is left out, as the specification allows (section 3.1.5).
                if let type = tag.words.first(where: { $0 > Multiboot2Information.lastKnown }) {
                    throw .multiboot(.unknownInformation(type: type))
                }
            case .consoleFlags:
                // Bit 0: there must be one; bit 1: text is fine (section 3.1.9).
                if tag.words[0] & 3 == 1 { throw .multiboot(.needsGraphics) }
            default: break
            }
        }
    }
}
