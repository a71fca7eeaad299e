import DeviceModel

/// What a loader sees in an image, and what it would do with it on a machine with so much RAM. Neither a machine nor KVM
/// nor the RAM is needed for it.
public struct ImageInspection: Equatable, Sendable {
    /// What messages call the image.
    public let name: String
    /// In bytes.
    public let size: UInt64
    /// Nil for one that gzip has not packed.
    public let packing: ImagePacking?
    /// The RAM of the machine that it is for, in bytes.
    public let memorySize: UInt64
    public let format: ImageFormat
    /// Whether the format was given, and not recognized.
    public let isFormatGiven: Bool
    /// What an ELF file says; nil for other formats.
    public let elf: ELFImage?
    /// What a bzImage says; nil for other formats.
    public let bzImage: BzImage?
    /// What a Multiboot header says, of the first or the second version; nil for other formats.
    public let multiboot: MultibootHeader?
    public let multiboot2: Multiboot2Header?
    /// What is to be loaded; of a refused image, as far as it could be read, and then nothing in it is checked.
    public let pieces: [BootPlan.Piece]
    /// How the image is loaded and entered, or the error that a machine's making ends with.
    public let outcome: BootOutcome

    /// Opens the image and reads its headers.
    ///
    /// - Parameters:
    ///   - source: opened, and closed again.
    ///   - format: nil to go by the image's content.
    ///   - mode: for flat images, which cannot say it themselves; nil for real mode.
    ///   - placement: for flat images, too.
    ///   - memorySize: the machine's RAM in bytes, nil for ``ImageFormat/standardMemory``. What of it the host can give is not looked at;
    ///     of its addresses only that they have 52 bits at most (AMD APM vol. 2 §5.1).
    /// - Throws: `VMMError.configuration` for RAM that no machine has; `.image` for an image that cannot be opened or read
    ///   at all. For any other the reason is the ``outcome``.
    public init(
        _ source: ImageSource, format: ImageFormat? = nil, mode: CPUMode? = nil,
        placement: FlatPlacement = FlatPlacement(), memorySize: UInt64? = nil
    ) throws(VMMError) {
        // Before the image is opened: no image helps a machine that cannot be.
        if let memorySize { _ = try MemoryMap(size: memorySize, physicalAddressBits: HighMemory.widestAddress) }
        try self.init(
            ImageReader.open(source, format: format, ImageLimits(memorySize: memorySize)), name: source.name,
            format: format, mode: mode, placement: placement, memorySize: memorySize,
            physicalAddressBits: HighMemory.widestAddress)
    }

    init(
        _ image: ImageReader, name: String, format: ImageFormat?, mode: CPUMode?, placement: FlatPlacement,
        memorySize: UInt64?, physicalAddressBits: Int
    ) throws(VMMError) {
        let found = try imageErrors(name) { () throws(ImageError) in try ImageFormat.resolve(format, image) }
        let map = try MemoryMap(size: memorySize ?? found.standardMemory, physicalAddressBits: physicalAddressBits)
        self = try imageErrors(name) { () throws(ImageError) in
            try ImageInspection(
                image, name: name, format: format, mode: mode, placement: placement, ram: map.regions)
        }
    }

    init(
        _ image: ImageReader, name: String, format: ImageFormat?, mode: CPUMode?,
        placement: FlatPlacement = FlatPlacement(), ram: [GuestMemory.Region]
    ) throws(ImageError) {
        self.name = name
        (size, packing) = (image.size, image.packing)
        memorySize = ram.reduce(0) { $0 &+ $1.size }
        let isGiven = format != nil
        isFormatGiven = isGiven
        let format = try ImageFormat.resolve(format, image)
        self.format = format
        let headers = try Headers(image, format)
        (elf, bzImage) = (headers.elf, headers.bzImage)
        (multiboot, multiboot2) = (headers.multiboot, headers.multiboot2)
        let outcome: BootOutcome
        if format == .flat || format == .bootSector {
            let mode = mode ?? .real
            let plan =
                format == .flat
                ? BootPlan(flat: image.size, mode: mode, placement) : BootPlan(bootSector: image.size)
            pieces = plan.pieces
            outcome = Self.outcome { () throws(VMMError) in
                if format == .flat { try placement.check(image.size, mode, ram: ram) }
                return try imageErrors(name) { () throws(ImageError) in
                    if !isGiven {
                        try Self.checkContent(image, name, mode, entry: plan.entry &- (plan.pieces.first?.address ?? 0))
                    }
                    return try plan.flatChecked(against: ram)
                }
            }
        } else {
            outcome = Self.outcome { () throws(VMMError) in
                try imageErrors(name) { () throws(ImageError) in try headers.plan(image, format, ram) }
            }
            // An image that may be moved need not lie where its headers say.
            pieces = (try? outcome.get())?.pieces ?? headers.pieces(image.size)
        }
        if let mode, format != .flat, format != .bootSector || mode != .real {
            let words = "\(format.words) says its own mode; leave the mode out, or take it as a flat image"
            self.outcome = .failure(.configuration(words))
        } else if placement != FlatPlacement(), format != .flat {
            let words =
                "\(format.words) says itself where it is loaded and entered; leave the load address and the entry out, or take it as a flat image"
            self.outcome = .failure(.configuration(words))
        } else {
            self.outcome = outcome
        }
    }

    /// What nobody has called code may be something else.
    ///
    /// - Parameter entry: from the start, in bytes; inside the image.
    private static func checkContent(
        _ image: ImageReader, _ name: String, _ mode: CPUMode, entry: UInt64
    ) throws(ImageError) {
        let start = try image.prefix(ForeignFile.searchSize)
        if let file = ForeignFile(start, name: name) { throw .foreign(file.words) }
        let count = Int(truncatingIfNeeded: min(UInt64(FirstInstruction.searchSize), image.size &- entry))
        let code = entry == 0 ? start : try image.bytes(at: entry, count: count, part: "first instruction")
        if let fault = FirstInstruction.fault(code, mode: mode) {
            throw .notCode(entry == 0 ? "it \(fault)" : "what is entered \(fault)")
        }
    }

    private static func outcome(_ plan: () throws(VMMError) -> BootPlan) -> BootOutcome {
        do throws(VMMError) { return .success(try plan()) } catch { return .failure(error) }
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

/// What an image's headers say, as far as its format has them.
private struct Headers {
    var elf: ELFImage?
    var bzImage: BzImage?
    var multiboot: MultibootHeader?
    var multiboot2: Multiboot2Header?
    /// The first that cannot be read.
    private var fault: ImageError?

    init(_ image: ImageReader, _ format: ImageFormat) throws(ImageError) {
        let isELF = try image.prefix(ELFImage.magic.count) == ELFImage.magic
        let isBzImage = format == .linux ? try BzImage.isOne(image) : false
        do throws(ImageError) {
            switch format {
            case .multiboot: multiboot = try MultibootHeader(reading: image)
            case .multiboot2: multiboot2 = try Multiboot2Header(reading: image)
            case .linux where isBzImage: bzImage = try BzImage(reading: image)
            case .flat, .bootSector, .elf, .linux, .pvh: break
            }
        } catch {
            fault = error
        }
        switch format {
        case .flat, .bootSector: break
        case .multiboot, .multiboot2: if isELF { elf = ELFImage(reading: image) }
        case .linux: if !isBzImage { elf = ELFImage(reading: image) }
        case .elf, .pvh: elf = ELFImage(reading: image)
        }
    }

    /// What is to be loaded, unchecked.
    func pieces(_ imageSize: UInt64) -> [BootPlan.Piece] {
        if let bzImage { return [bzImage.piece(imageSize)] }
        let header = multiboot.map { ($0.offset, $0.addresses) } ?? multiboot2.map { ($0.offset, $0.addresses) }
        if let (offset, found) = header, let addresses = found {
            return (try? addresses.piece(headerOffset: offset, imageSize: imageSize)).map { [$0] } ?? []
        }
        return elf?.segments.map { BootPlan.Piece($0, shift: elf?.bias ?? 0) } ?? []
    }

    func plan(
        _ image: ImageReader, _ format: ImageFormat, _ ram: [GuestMemory.Region]
    ) throws(ImageError) -> BootPlan {
        if let fault { throw fault }
        if let bzImage { return try bzImage.plan(image.size, ram: ram) }
        if let multiboot { return try multiboot.plan(image, elf, ram: ram) }
        if let multiboot2 { return try multiboot2.plan(image, elf, ram: ram) }
        // All other formats that have headers are ELF.
        guard let elf else { throw .elf(.noMagicNumber) }
        switch format {
        case .pvh: return try elf.pvhPlan(ram: ram)
        case .linux: return try BootPlan(elf, ram: ram, as: BootProtocol.vmlinux(_:entry:))
        case .flat, .bootSector, .elf, .multiboot, .multiboot2: return try BootPlan(elf, ram: ram)
        }
    }
}

/// How an image is loaded and entered, or why it is not. A `Result` costs more than it is: what its error type conforms to is looked for
/// at run time, among all that is in the program.
public enum BootOutcome: Equatable, Sendable {
    case success(BootPlan)
    case failure(VMMError)

    /// The plan.
    ///
    /// - Throws: why there is none.
    public func get() throws(VMMError) -> BootPlan {
        switch self {
        case .success(let plan): return plan
        case .failure(let error): throw error
        }
    }
}
