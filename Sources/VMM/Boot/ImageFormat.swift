/// The kinds of image that can be booted.
public enum ImageFormat: String, CaseIterable, Sendable {
    /// Code from its first byte on, without any header.
    case flat
    /// What a PC's BIOS boots: a first sector of code, and what it loads from behind it.
    case bootSector = "boot-sector"
    /// An ELF executable: a 32-bit one is entered in protected mode, a 64-bit one in long mode.
    case elf
    /// A Linux kernel: a bzImage, or a vmlinux, which is ELF.
    case linux
    /// A kernel with a Multiboot header, of the first version.
    case multiboot
    /// A kernel with a Multiboot header, of the second version.
    case multiboot2
    /// An ELF executable with an entry for PVH.
    case pvh

    /// The one that was given, or what the image's own bytes say.
    static func resolve(_ given: ImageFormat?, _ image: ImageReader) throws(ImageError) -> ImageFormat {
        if let given { given } else { try detect(image) }
    }

    private static func detect(_ image: ImageReader) throws(ImageError) -> ImageFormat {
        if try BzImage.isOne(image) { return .linux }
        let start = try image.prefix(Multiboot2Header.searchSize)
        if MultibootHeader.find(in: start) != nil { return .multiboot }
        if Multiboot2Header.find(in: start) != nil { return .multiboot2 }
        guard start.starts(with: ELFImage.magic) else {
            // Its last two bytes say that a sector is for booting (IBM PC/AT Technical Reference, section 5, "Bootstrap").
            let mark = start.dropFirst(BootSector.size &- 2).prefix(2)
            return mark.elementsEqual([0x55, 0xAA]) ? .bootSector : .flat
        }
        let elf = ELFImage(reading: image)
        return elf.isLinux ? .linux : elf.pvhEntry != nil ? .pvh : .elf
    }

    /// An image of it, in messages.
    var words: String {
        switch self {
        case .flat: "a flat image"
        case .bootSector: "a boot sector"
        case .elf: "an ELF image"
        case .linux: "a Linux kernel"
        case .multiboot, .multiboot2: "a Multiboot kernel"
        case .pvh: "a PVH kernel"
        }
    }

    /// The RAM that a machine for it has unless told otherwise, in bytes: what is not touched costs next to nothing.
    public var standardMemory: UInt64 {
        switch self {
        case .flat, .bootSector, .elf, .multiboot, .multiboot2, .pvh: 64 << 20
        case .linux: 512 << 20
        }
    }
}
