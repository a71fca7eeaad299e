/// A note in an ELF file: who wrote it, what kind it is, and its content (System V ABI, gABI 4.1, chapter 5, "Note Section"). By notes a
/// kernel tells how it wants to be booted.
public struct ELFNote: Equatable, Sendable {
    /// As it stands in the file, without the zero at its end.
    public let name: String
    public let type: UInt32
    public let content: [UInt8]

    /// Notes take no more than this in kernels that there are, in bytes.
    static let sizeLimit: UInt64 = 64 << 10
    private static let countLimit = 256

    /// Reads the notes of a segment, up to the first that is cut.
    static func parse(_ bytes: ArraySlice<UInt8>) -> [ELFNote] {
        var notes: [ELFNote] = []
        var rest = bytes
        while notes.count < countLimit {
            let fields = ByteFields(rest)
            guard let nameSize = fields.load(UInt32.self, at: 0), let contentSize = fields.load(UInt32.self, at: 4),
                let type = fields.load(UInt32.self, at: 8)
            else { break }
            // Each of the two begins at a multiple of 4, and both are below 4 GiB.
            let nameEnd = 12 + Int(nameSize)
            let contentStart = (nameEnd + 3) & ~3
            let end = contentStart + Int(contentSize)
            guard end <= rest.count else { break }
            let name = rest.dropFirst(12).prefix(Int(nameSize)).prefix { $0 != 0 }
            notes.append(
                ELFNote(
                    name: String(decoding: name, as: UTF8.self), type: type,
                    content: Array(rest.dropFirst(contentStart).prefix(Int(contentSize)))))
            rest = rest.dropFirst((end + 3) & ~3)
        }
        return notes
    }
}

extension ELFImage {
    /// Whether it is a Linux kernel: today's have notes of their own, and those before them said so to Xen
    /// (Linux, include/linux/elfnote-lto.h and include/linux/build-salt.h; Xen, public/elfnote.h, XEN_ELFNOTE_GUEST_OS).
    var isLinux: Bool {
        notes.contains { note in
            note.name == "Linux" || (note.name == "Xen" && note.type == 6 && note.content.starts(with: "linux".utf8))
        }
    }
}
