import DeviceModel

/// A kernel of either version of Multiboot, as its machine needs to know it.
public struct MultibootKernel: Equatable, Sendable {
    /// Guest-physical address of the first instruction.
    public let entry: UInt32
    /// Nil for an image that is no ELF, or whose section headers cannot be read.
    let sections: ELFSections?
    /// Whether it is to be told what its screen is.
    let wantsFramebuffer: Bool
    /// Where the lowest part of it was loaded, for one that may be moved; nil for all others.
    let loadBase: UInt32?

    /// Who loaded it, as it is told.
    static let loaderName = "swiftvmm"

    /// What the header says of where the image is loaded, and whether that can be elsewhere.
    static func plan(
        _ image: ImageReader, _ elf: ELFImage?, _ header: MultibootImage, ram: [GuestMemory.Region],
        as boot: (UInt32, ELFSections?, _ loadBase: UInt32) -> BootProtocol
    ) throws(ImageError) -> BootPlan {
        if let addresses = header.addresses {
            return try header.plan(addresses, image.size, ram, as: boot)
        }
        guard let elf else { throw .multiboot(.noAddresses) }
        if let fault = elf.fault { throw fault }
        let bounds = elf.segments.map { (start: $0.physicalAddress &+ elf.bias, size: $0.memorySize) }
        let shift = try header.relocation?.shift(of: bounds, ram) ?? 0
        // One that relocates itself reckons with addresses as they were linked, and so GRUB has it.
        let relocated = elf.header?.isPositionIndependent == true ? elf.bias &+ shift : 0
        let sections = elf.header.flatMap { ELFSections(of: $0, in: image, shift: relocated) }
        let entry = header.entry.map { UInt64($0) &+ elf.bias &+ shift }
        return try BootPlan(elf, ram: ram, shift: shift, entry: entry) { _, entry in
            // Below 4 GiB, or the plan refuses it.
            boot(UInt32(truncatingIfNeeded: entry), sections, header.base(bounds, shift))
        }
    }
}

/// What the headers of both versions have in common: where the image comes from and goes to.
struct MultibootImage {
    /// In the file, in bytes.
    let headerOffset: Int
    /// Nil for an ELF file, whose program headers tell it.
    let addresses: MultibootAddresses?
    /// Guest-physical address of the first instruction; nil for what the ELF header says.
    let entry: UInt32?
    /// Nil for an image that stays where it was linked.
    var relocation: MultibootRelocation?

    fileprivate func base(_ bounds: [(start: UInt64, size: UInt64)], _ shift: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: (bounds.map(\.start).min() ?? 0) &+ shift)
    }

    fileprivate func plan(
        _ addresses: MultibootAddresses, _ imageSize: UInt64, _ ram: [GuestMemory.Region],
        as boot: (UInt32, ELFSections?, UInt32) -> BootProtocol
    ) throws(ImageError) -> BootPlan {
        let linked = try addresses.piece(headerOffset: headerOffset, imageSize: imageSize)
        guard let entry else { throw .multiboot(.noEntry) }
        let (offset, isBelow) = UInt64(entry).subtractingReportingOverflow(linked.address)
        guard !isBelow, offset < linked.memorySize else { throw .multiboot(.entryOutside(entry)) }
        let bounds = [(start: linked.address, size: linked.memorySize)]
        let shift = try relocation?.shift(of: bounds, ram) ?? 0
        let piece = linked.moved(by: shift)
        guard ram.contains(where: { $0.contains(GuestAddress(piece.address), count: piece.memorySize) }) else {
            throw .multiboot(.outsideRAM(start: piece.address, size: piece.memorySize))
        }
        let place = UInt32(truncatingIfNeeded: piece.address &+ offset)
        let bootProtocol = boot(place, nil, base(bounds, shift))
        guard !bootProtocol.tables.overlaps(piece.address..<piece.address &+ piece.memorySize) else {
            throw .multiboot(.overTables(start: piece.address, tables: bootProtocol.tables))
        }
        return BootPlan(bootProtocol, pieces: [piece])
    }
}

/// Where an image may be loaded that need not lie where it was linked (Multiboot2 Specification 2.0, section 3.1.13).
public struct MultibootRelocation: Equatable, Sendable {
    /// Of the image's first byte, guest-physical.
    public let lowest: UInt32
    /// Of its last byte.
    public let highest: UInt32
    /// Of its first byte, in bytes; 0 is as good as 1.
    public let alignment: UInt32
    /// 0 for none, 1 for as low as possible, 2 for as high as possible.
    public let preference: UInt32

    /// How far an image is moved, in bytes, modulo 2^64: where it prefers no place, not at all if all of it lies in RAM that is free.
    ///
    /// - Parameter parts: of the image, where it was linked.
    func shift(
        of parts: [(start: UInt64, size: UInt64)], _ ram: [GuestMemory.Region]
    ) throws(ImageError) -> UInt64 {
        let start = parts.map(\.start).min() ?? 0
        // They do not wrap.
        let size = (parts.map { $0.start &+ $0.size }.max() ?? 0) &- start
        let alignment = UInt64(max(1, self.alignment))
        guard alignment & (alignment &- 1) == 0 else {
            throw .multiboot(.address("align", self.alignment, "no power of 2"))
        }
        let (low, end) = (UInt64(lowest), UInt64(highest) &+ 1)
        var free = FreeMemory(ram)
        let isAllowed = start >= low && start <= end && size <= end &- start && start & (alignment &- 1) == 0
        let staysPut = ![1, 2].contains(preference) && isAllowed
        if staysPut, parts.allSatisfy({ free.contains($0.start, size: $0.size) }) { return 0 }
        for placement in placements {
            guard let place = free.take(size, placement, alignment: alignment) else { continue }
            if place >= low, place <= end, size <= end &- place { return place &- start }
        }
        throw .multiboot(.noRoom(size: size, lowest: lowest, highest: highest))
    }

    /// Where it may go, the best first. As with GRUB that is below 1 MiB only where it is to be nowhere else.
    private var placements: [FreeMemory.Placement] {
        if preference == 2 { return [.highest(below: UInt64(highest) &+ 1)] }
        return [.lowest(from: max(UInt64(lowest), LowMemory.flatImage)), .lowest(from: UInt64(lowest))]
    }
}
