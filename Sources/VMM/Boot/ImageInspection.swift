import DeviceModel

/// What a loader sees in an image, and what it would do with it on a machine with so much RAM. Neither a machine nor KVM
/// nor the RAM is needed for it.
public struct ImageInspection: Equatable, Sendable {
    /// What messages call the image.
    public let name: String
    /// In bytes.
    public let size: UInt64
    /// The RAM of the machine that it is for, in bytes.
    public let memorySize: UInt64
    public let format: ImageFormat
    /// Whether the format was given, and not recognized.
    public let isFormatGiven: Bool
    /// What an ELF file says; nil for other formats.
    public let elf: ELFImage?
    /// What a bzImage says; nil for other formats.
    public let bzImage: BzImage?
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
    ///   - memorySize: the machine's RAM in bytes, nil for ``ImageFormat/standardMemory``. What of it the host can give is not looked at;
    ///     of its addresses only that they have 52 bits at most (AMD APM vol. 2 §5.1).
    /// - Throws: `VMMError.configuration` for RAM that no machine has; `.image` for an image that cannot be opened or read
    ///   at all. For any other the reason is the ``outcome``.
    public init(
        _ source: ImageSource, format: ImageFormat? = nil, mode: CPUMode? = nil, memorySize: UInt64? = nil
    ) throws(VMMError) {
        try self.init(
            ImageReader(opening: source), name: source.name, format: format, mode: mode, memorySize: memorySize,
            physicalAddressBits: HighMemory.widestAddress)
    }

    init(
        _ image: ImageReader, name: String, format: ImageFormat?, mode: CPUMode?, memorySize: UInt64?,
        physicalAddressBits: Int
    ) throws(VMMError) {
        let found = try imageErrors(name) { () throws(ImageError) in try ImageFormat.resolve(format, image) }
        let map = try MemoryMap(size: memorySize ?? found.standardMemory, physicalAddressBits: physicalAddressBits)
        self = try imageErrors(name) { () throws(ImageError) in
            try ImageInspection(image, name: name, format: format, mode: mode, ram: map.regions)
        }
    }

    init(
        _ image: ImageReader, name: String, format: ImageFormat?, mode: CPUMode?, ram: [GuestMemory.Region]
    ) throws(ImageError) {
        self.name = name
        size = image.size
        memorySize = ram.reduce(0) { $0 &+ $1.size }
        isFormatGiven = format != nil
        let format = try ImageFormat.resolve(format, image)
        self.format = format
        let isBzImage = format == .linux ? try BzImage.isOne(image) : false
        let elf = format == .flat || isBzImage ? nil : ELFImage(reading: image)
        self.elf = elf
        let outcome: Result<BootPlan, VMMError>
        if let elf {
            bzImage = nil
            pieces = elf.segments.map { BootPlan.Piece($0) }
            outcome = Self.outcome(name) { () throws(ImageError) in
                try BootPlan(
                    elf, ram: ram, as: format == .linux ? BootProtocol.vmlinux(_:entry:) : BootProtocol.init(_:entry:))
            }
        } else if isBzImage {
            let result = Self.outcome(name) { () throws(ImageError) in try BzImage(reading: image) }
            bzImage = try? result.get()
            pieces = bzImage.map { [$0.piece(image.size)] } ?? []
            outcome = result.flatMap { bzImage in
                Self.outcome(name) { () throws(ImageError) in try bzImage.plan(image.size, ram: ram) }
            }
        } else {
            bzImage = nil
            let plan = BootPlan(flat: image.size, mode: mode ?? .real)
            pieces = plan.pieces
            outcome = Self.outcome(name) { () throws(ImageError) in try plan.flatChecked(against: ram) }
        }
        if mode != nil, format != .flat {
            let what = format == .elf ? "an ELF image" : "a Linux kernel"
            let words = "\(what) says its own mode; leave the mode out, or take it as a flat image"
            self.outcome = .failure(.configuration(words))
        } else {
            self.outcome = outcome
        }
    }

    private static func outcome<Value>(
        _ name: String, _ plan: () throws(ImageError) -> Value
    ) -> Result<Value, VMMError> {
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
    /// A Linux kernel: a bzImage, or a vmlinux, which is ELF.
    case linux

    /// The one that was given, or what the image's own bytes say.
    static func resolve(_ given: ImageFormat?, _ image: ImageReader) throws(ImageError) -> ImageFormat {
        if let given { given } else { try detect(image) }
    }

    private static func detect(_ image: ImageReader) throws(ImageError) -> ImageFormat {
        if try BzImage.isOne(image) { return .linux }
        guard try image.prefix(ELFImage.magic.count) == ELFImage.magic else { return .flat }
        return ELFImage(reading: image).isLinux ? .linux : .elf
    }

    /// The RAM that a machine for it has unless told otherwise, in bytes: what is not touched costs next to nothing.
    public var standardMemory: UInt64 {
        switch self {
        case .flat, .elf: 64 << 20
        case .linux: 512 << 20
        }
    }
}
