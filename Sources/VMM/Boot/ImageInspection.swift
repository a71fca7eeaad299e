import DeviceModel

/// What a loader sees in an image, and what it would do with it on a machine with so much RAM. Neither a machine nor KVM
/// nor the RAM is needed for it.
public struct ImageInspection: Equatable, Sendable {
    /// What messages call the image.
    public let name: String
    /// In bytes.
    public let size: UInt64
    public let format: ImageFormat
    /// Whether the format was given, and not recognized.
    public let isFormatGiven: Bool
    /// What an ELF file says; nil for other formats.
    public let elf: ELFImage?
    /// What is to be loaded; of a refused image, as far as it could be read, and then nothing in it is checked.
    public let pieces: [BootPlan.Piece]
    /// How the image is loaded and entered, or the error that a machine's making ends with.
    public let outcome: Result<BootPlan, VMMError>

    /// Opens the image and reads its headers.
    ///
    /// - Parameters:
    ///   - source: opened, and closed again.
    ///   - format: nil to go by the image's content.
    ///   - mode: for flat images, which cannot say it themselves; nil for real mode.
    ///   - memorySize: the machine's RAM in bytes. What of it the host can give is not looked at; of its addresses only
    ///     that they have 52 bits at most (AMD APM vol. 2 §5.1).
    /// - Throws: `VMMError.configuration` for RAM that no machine has; `.image` for an image that cannot be opened or read
    ///   at all. For any other the reason is the ``outcome``.
    public init(
        _ source: ImageSource, format: ImageFormat? = nil, mode: CPUMode? = nil, memorySize: UInt64 = 64 << 20
    ) throws(VMMError) {
        let map = try MemoryMap(size: memorySize, physicalAddressBits: HighMemory.widestAddress)
        do throws(ImageError) {
            self = try ImageInspection(
                ImageReader(source), name: source.name, format: format, mode: mode,
                ram: map.regions)
        } catch {
            throw .image(name: source.name, error)
        }
    }

    init(
        _ image: borrowing ImageReader, name: String, format: ImageFormat?, mode: CPUMode?, ram: [GuestMemory.Region]
    ) throws(ImageError) {
        self.name = name
        size = image.size
        isFormatGiven = format != nil
        if let format { self.format = format } else { self.format = try .detect(image) }
        switch self.format {
        case .flat:
            elf = nil
            let plan = BootPlan(flat: image.size, mode: mode ?? .real)
            pieces = plan.pieces
            outcome = Self.outcome(name) { () throws(ImageError) in try plan.flatChecked(against: ram) }
        case .elf:
            let elf = ELFImage(reading: image)
            self.elf = elf
            pieces = elf.segments.map { BootPlan.Piece($0) }
            if mode != nil {
                outcome = .failure(
                    .configuration(
                        "an ELF image says its own mode; leave the mode out, or take it as a flat image"))
            } else {
                outcome = Self.outcome(name) { () throws(ImageError) in try BootPlan(elf, ram: ram) }
            }
        }
    }

    private static func outcome(
        _ name: String, _ plan: () throws(ImageError) -> BootPlan
    ) -> Result<BootPlan, VMMError> {
        do throws(ImageError) {
            return .success(try plan())
        } catch {
            return .failure(.image(name: name, error))
        }
    }

    /// The least RAM, in bytes, that all of the ``pieces`` lie in; nil where no amount is enough.
    public var memoryNeeded: UInt64? {
        var needed = MemoryMap.smallest
        for piece in pieces {
            guard let size = MemoryMap.size(holding: piece.address, count: piece.memorySize) else { return nil }
            needed = max(needed, size)
        }
        return needed
    }
}

/// The kinds of image that can be booted.
public enum ImageFormat: String, CaseIterable, Sendable {
    /// Code from its first byte on, without any header.
    case flat
    /// An ELF executable: a 32-bit one is entered in protected mode, a 64-bit one in long mode.
    case elf

    /// What the image's own bytes say.
    static func detect(_ image: borrowing ImageReader) throws(ImageError) -> ImageFormat {
        try image.prefix(ELFImage.magic.count) == ELFImage.magic ? .elf : .flat
    }
}
