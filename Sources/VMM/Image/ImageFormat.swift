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
