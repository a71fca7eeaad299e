import DeviceModel

/// A file that is plainly no guest: what it is, and what to do with it. Only for one in which no boot format was recognized.
struct ForeignFile: Equatable {
    /// How much of a file has to be read to tell, in bytes.
    static let searchSize = 0x8006

    let words: String

    /// - Parameter start: the file's first bytes, ``searchSize`` of them if it has as many.
    init?(_ start: [UInt8], name: String) {
        let kind =
            Self.kinds.first { start.dropFirst($0.offset).starts(with: $0.magic) }?.words
            ?? Self.program(start) ?? Self.text(start)
        guard let kind else { return nil }
        words = kind.replacing("FILE", with: name)
    }

    private struct Kind {
        var offset = 0
        let magic: [UInt8]
        let words: String

        init(_ magic: [UInt8], at offset: Int = 0, _ words: String) {
            (self.magic, self.offset, self.words) = (magic, offset, words)
        }

        init(_ magic: String, at offset: Int = 0, _ words: String) {
            self.init(Array(magic.utf8), at: offset, words)
        }
    }

    private static func packed(_ what: String, _ command: String) -> String {
        "it is packed by \(what); unpack it with: \(command)"
    }

    private static func disk(_ what: String) -> String {
        "it is \(what), a disk; make a raw one of it with: qemu-img convert -O raw 'FILE' disk.img, and give that by --disk beside a guest"
    }

    private static let kinds: [Kind] = [
        Kind("#!", "it is a script; give what the script would build or run"),
        // What gzip packed was unpacked before.
        Kind(Gzip.magic + [8], "it is packed by gzip twice; gunzip it once"),
        Kind([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], packed("xz", "xz --decompress --keep 'FILE'")),
        Kind([0x28, 0xB5, 0x2F, 0xFD], packed("zstd", "zstd --decompress 'FILE'")),
        Kind([0x04, 0x22, 0x4D, 0x18], packed("lz4", "lz4 --decompress 'FILE'")),
        Kind([0x02, 0x21, 0x4C, 0x18], packed("lz4", "lz4 --decompress 'FILE'")),
        Kind("BZh", packed("bzip2", "bunzip2 --keep 'FILE'")),
        Kind([0x50, 0x4B, 3, 4], "it is a zip archive; unpack it with: unzip 'FILE'"),
        Kind([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "it is a 7z archive; unpack it with: 7z x 'FILE'"),
        Kind("ustar", at: 257, "it is a tar archive; unpack it with: tar --extract --file='FILE'"),
        Kind("070701", "it is a cpio archive, as an initial RAM disk is; give it by --initrd beside a kernel"),
        Kind(
            "!<arch>\n", "it is an archive of object files or a Debian package; link it, or unpack it with: ar x 'FILE'"
        ),
        Kind([0x51, 0x46, 0x49, 0xFB], disk("in QEMU's format (qcow2)")),
        Kind("KDMV", disk("in VMware's format (VMDK)")),
        Kind("vhdxfile", disk("in Hyper-V's format (VHDX)")),
        Kind([0x7F, 0x10, 0xDA, 0xBE], at: 0x40, disk("in VirtualBox's format (VDI)")),
        Kind("CD001", at: 0x8001, "it is the image of a CD, which only a BIOS can boot; give the kernel that is on it"),
        Kind([0, 0x61, 0x73, 0x6D], "it is WebAssembly; build it for x86_64-unknown-none"),
        Kind([0xCF, 0xFA, 0xED, 0xFE], "it is a program for macOS (Mach-O); build it as ELF"),
        Kind([0xCE, 0xFA, 0xED, 0xFE], "it is a program for macOS (Mach-O); build it as ELF"),
        Kind([0xCA, 0xFE, 0xBA, 0xBE], "it is a Java class or a program for macOS; build it as ELF"),
        Kind([0x27, 0x05, 0x19, 0x56], "it is an image for U-Boot (uImage); give the kernel that is in it"),
        Kind([0xD0, 0x0D, 0xFE, 0xED], "it is a device tree; give a kernel for x86"),
        Kind("ARMd", at: 0x38, "it is a Linux kernel for ARM64; give one for x86-64"),
        Kind("%PDF", "it is a PDF document; give the file of a guest"),
        Kind([0x89, 0x50, 0x4E, 0x47], "it is a picture; give the file of a guest"),
    ]

    /// A program of DOS or Windows, or for EFI, by the subsystem in its header (PE Format, "Optional Header Windows-Specific Fields").
    private static func program(_ start: [UInt8]) -> String? {
        guard start.starts(with: Array("MZ".utf8)) else { return nil }
        let fields = ByteFields(start[...])
        let header = Int(fields.load(UInt32.self, at: 0x3C) ?? 0)
        guard fields.load(UInt32.self, at: header) == 0x4550 else {
            return "it is a program for DOS (MZ); give the file of a guest"
        }
        return 10...13 ~= (fields.load(UInt16.self, at: header &+ 0x5C) ?? 0)
            ? "it is an EFI application, and there is no EFI here; give the kernel itself, as ELF or flat"
            : "it is a program for Windows (PE); build it as ELF"
    }

    /// Text, if there is a line of it and nothing else.
    private static func text(_ start: [UInt8]) -> String? {
        guard start.count >= 8, start.allSatisfy({ 0x20...0x7E ~= $0 || 9...13 ~= $0 || $0 >= 0x80 }) else {
            return nil
        }
        // The last character may be cut.
        let text = start.count == searchSize ? start.dropLast(4) : start[...]
        let isWhole =
            text.count < start.count ? (0..<4).contains { isUTF8(start.prefix(text.count + $0)) } : isUTF8(text)
        guard isWhole, start.contains(0x0A) || start.allSatisfy({ $0 < 0x7F }) else { return nil }
        return "it is text; assemble or compile it, and give what comes of that"
    }

    private static func isUTF8(_ bytes: ArraySlice<UInt8>) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }
}
