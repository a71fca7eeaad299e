import DeviceModel

/// The header of a Multiboot kernel, version 1 (Multiboot Specification 0.6.96, section 3.1). Every number in it comes from an untrusted
/// file.
public struct MultibootHeader: Equatable, Sendable {
    private static let magic: UInt32 = 0x1BAD_B002
    /// All of it stands in so many bytes of the file's start.
    static let searchSize = 8192

    /// What a kernel asks for. Those of the lower half are demands.
    public struct Flags: OptionSet, Sendable {
        public let rawValue: UInt32

        /// Modules begin with a page.
        public static let pageAlignment = Flags(rawValue: 1 << 0)
        public static let memoryInformation = Flags(rawValue: 1 << 1)
        /// The header has the fields for a video mode, and the kernel is told what it has.
        public static let videoMode = Flags(rawValue: 1 << 2)
        /// The header has the fields for where the image is loaded.
        public static let addresses = Flags(rawValue: 1 << 16)

        static let demands = Flags(rawValue: 0xFFFF)
        static let known: Flags = [.pageAlignment, .memoryInformation, .videoMode]

        public init(rawValue: UInt32) {
            self.rawValue = rawValue
        }
    }

    /// Where it stands in the file, in bytes.
    public let offset: Int
    public let flags: Flags
    /// Nil where the image is ELF, and its program headers tell where it is loaded.
    public let addresses: MultibootAddresses?

    /// Where in the file's first bytes a header begins whose numbers add up; nil where there is none.
    static func find(in start: [UInt8]) -> Int? {
        stride(from: 0, to: min(start.count, searchSize) - 11, by: 4).first { offset in
            // Most words differ in the first byte.
            guard start[offset] == 0x02 else { return false }
            let words = (0..<3).map { start.loadLittleEndian(UInt32.self, at: offset + 4 * $0) ?? 0 }
            return words[0] == magic && words[0] &+ words[1] &+ words[2] == 0
        }
    }

    init(reading image: ImageReader) throws(ImageError) {
        let start = try image.prefix(Self.searchSize)
        guard let offset = Self.find(in: start) else { throw .multiboot(.noHeader(version: 1)) }
        self.offset = offset
        let fields = ByteFields(start[offset...])
        flags = Flags(rawValue: fields.load(UInt32.self, at: 4) ?? 0)
        let unknown = flags.intersection(.demands).subtracting(.known)
        guard unknown.isEmpty else { throw .multiboot(.demands(unknown.rawValue)) }
        guard flags.contains(.addresses) else {
            addresses = nil
            return
        }
        let words = (3..<8).compactMap { fields.load(UInt32.self, at: $0 * 4) }
        guard words.count == 5 else { throw .truncated("Multiboot header") }
        addresses = MultibootAddresses(
            header: words[0], load: words[1], loadEnd: words[2], bssEnd: words[3], entry: words[4])
    }

    /// How the image is loaded and entered.
    ///
    /// - Parameter elf: what the file says as ELF; nil where it is none.
    func plan(
        _ image: ImageReader, _ elf: ELFImage?, ram: [GuestMemory.Region]
    ) throws(ImageError) -> BootPlan {
        try MultibootKernel.plan(
            image, elf, MultibootImage(headerOffset: offset, addresses: addresses, entry: addresses?.entry), ram: ram
        ) { entry, sections, _ in
            .multiboot1(
                MultibootKernel(
                    entry: entry, sections: sections, wantsFramebuffer: flags.contains(.videoMode), loadBase: nil))
        }
    }
}
