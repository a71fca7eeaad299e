import VMM

/// An inspection's findings as a person reads them: a line for each. The numbers come from an untrusted file; they are shown,
/// and nothing is computed with them.
struct ImageDescription {
    let text: String

    init(_ inspection: ImageInspection) {
        var lines: [(name: String, value: String)] = [
            ("image", Self.image(inspection)), ("format", Self.format(inspection)),
        ]
        if let elf = inspection.elf { lines += Self.lines(elf) }
        if let bzImage = inspection.bzImage { lines += Self.lines(bzImage) }
        if let header = inspection.multiboot { lines += Self.lines(header) }
        if let header = inspection.multiboot2 { lines += Self.lines(header) }
        if !inspection.pieces.isEmpty {
            let needed =
                inspection.memoryNeeded.map { "\(TextValue.text(ofMemory: $0)) needed" } ?? "no amount is enough"
            lines.append(("memory", "\(needed), \(TextValue.text(ofMemory: inspection.memorySize)) given"))
        }
        switch inspection.outcome {
        case .success(let plan):
            for piece in plan.pieces { lines.append(("loads", Self.describe(piece))) }
            lines.append(("run", "enters it in \(plan.mode) mode at \(Self.entry(plan.protocol))"))
        case .failure(let error):
            let subject = "cannot boot \(inspection.name): "
            let reason = error.words.hasPrefix(subject) ? String(error.words.dropFirst(subject.count)) : error.words
            lines.append(("run", "refuses it: \(reason)"))
        }
        text = LabeledLines(lines).text
    }

    private static func image(_ inspection: ImageInspection) -> String {
        let size = "\(inspection.name), \(inspection.size) bytes"
        guard let packing = inspection.packing else { return size }
        let ignored = packing.ignored > 0 ? ", of which \(packing.ignored) are ignored" : ""
        return "\(size), unpacked by gzip from \(packing.size)\(ignored)"
    }

    private static func entry(_ boot: BootProtocol) -> String {
        guard case .realMode(let segment, let offset) = boot, segment != 0 else { return hex(boot.entry) }
        return "\(ImagePlace.segment(segment, offset: offset)), which is \(hex(boot.entry))"
    }

    private static func format(_ inspection: ImageInspection) -> String {
        switch (inspection.format, inspection.isFormatGiven) {
        case (.elf, true): "ELF, because --format says so"
        case (.elf, false): "ELF, because it begins with the magic number 7f 45 4c 46"
        case (.linux, true): "Linux, because --format says so"
        case (.linux, false):
            inspection.bzImage == nil
                ? "Linux (vmlinux), because an ELF note says so"
                : "Linux (bzImage), because HdrS stands at offset 0x202"
        case (.multiboot, true): "Multiboot 1, because --format says so"
        case (.multiboot, false): "Multiboot 1, because its header is there and adds up"
        case (.multiboot2, true): "Multiboot 2, because --format says so"
        case (.multiboot2, false): "Multiboot 2, because its header is there and adds up"
        case (.pvh, true): "PVH, because --format says so"
        case (.pvh, false): "PVH, because an ELF note names its entry"
        case (.bootSector, true): "boot sector, because --format says so"
        case (.bootSector, false): "boot sector, because 55 AA stands at offset 510"
        case (.flat, true): "flat, because --format says so"
        case (.flat, false): "flat, because no other format is recognized in it"
        }
    }

    private static func lines(_ bzImage: BzImage) -> [(name: String, value: String)] {
        [
            ("boot", "protocol \(bzImage.version >> 8).\(bzImage.version & 0xFF)"),
            ("kernel", "\(bzImage.kernel.is64Bit ? 64 : 32)-bit, at offset \(hex(bzImage.kernelOffset))"),
            ("cmdline", "\(bzImage.kernel.commandLineLimit) bytes at most"),
        ]
    }

    private static func lines(_ header: MultibootHeader) -> [(name: String, value: String)] {
        let names: [(MultibootHeader.Flags, String)] = [
            (.pageAlignment, "modules on page boundaries"), (.memoryInformation, "memory sizes"),
            (.videoMode, "a video mode"), (.addresses, "load addresses"),
        ]
        let asked = names.filter { header.flags.contains($0.0) }.map(\.1)
        let flags = "flags \(hex(header.flags.rawValue))" + (asked.isEmpty ? "" : ": " + asked.joined(separator: ", "))
        return [("header", "at offset \(hex(header.offset)), \(flags)")] + lines(header.addresses)
    }

    private static func lines(_ addresses: MultibootAddresses?) -> [(name: String, value: String)] {
        guard let addresses else { return [] }
        let entry = addresses.entry.map { ", entry \(hex($0))" } ?? ""
        return [
            (
                "addresses",
                "header \(hex(addresses.header)), load \(hex(addresses.load)) to \(hex(addresses.loadEnd)), "
                    + "zeros to \(hex(addresses.bssEnd))\(entry)"
            )
        ]
    }

    private static func lines(_ header: Multiboot2Header) -> [(name: String, value: String)] {
        // Those who fill a header with them are not helped by all of them.
        let tags = header.tags.prefix(64).map { tag -> (name: String, value: String) in
            (
                "tag \(tag.type)",
                (tag.kind.map(words) ?? "not known") + (tag.isOptional ? ", optional" : "")
                    + (tag.words.isEmpty ? "" : ": " + tag.words.prefix(16).map { hex($0) }.joined(separator: " "))
            )
        }
        return [("header", "at offset \(hex(header.offset)), \(header.size) bytes, \(header.tags.count) tags")]
            + tags
    }

    private static func words(_ kind: Multiboot2Header.Tag.Kind) -> String {
        switch kind {
        case .informationRequest: "information request"
        case .addresses: "load addresses"
        case .entry: "entry address"
        case .consoleFlags: "console flags"
        case .framebuffer: "framebuffer"
        case .moduleAlignment: "modules on page boundaries"
        case .efiBootServices: "EFI boot services"
        case .efi32Entry: "EFI i386 entry"
        case .efi64Entry: "EFI x86-64 entry"
        case .relocatable: "relocatable"
        }
    }

    private static func lines(_ elf: ELFImage) -> [(name: String, value: String)] {
        guard let header = elf.header else { return [] }
        var lines = [
            ("class", "\(header.fileClass.bitWidth)-bit, little-endian"),
            ("machine", named(header.machine, machines)),
            ("type", named(header.type, types)),
            ("entry", "\(hex(header.entry)), \(elf.physicalEntry.map { "physical \(hex($0))" } ?? "in no segment")"),
            ("headers", "\(header.tableCount) of \(header.tableEntrySize) bytes at offset \(hex(header.tableOffset))"),
        ]
        for segment in elf.segments {
            lines.append(
                (
                    "segment \(segment.number)",
                    "\(segment.fileSize) bytes at offset \(hex(segment.fileOffset)); \(segment.memorySize) bytes at "
                        + "physical \(hex(segment.physicalAddress)), virtual \(hex(segment.virtualAddress)); "
                        + flags(segment.flags)
                ))
        }
        if elf.header?.type == 3, elf.fault == nil {
            lines.append(("moved", "by \(hex(elf.bias)), with \(elf.relocationCount) relocations"))
        }
        if let entry = elf.pvhEntry { lines.append(("PVH note", "entry \(hex(entry))")) }
        return lines
    }

    /// As `readelf` and `ls` show them; bits without a name as a number.
    private static func flags(_ flags: ELFImage.Segment.Flags) -> String {
        let letters: [(ELFImage.Segment.Flags, String)] = [(.readable, "r"), (.writable, "w"), (.executable, "x")]
        let others = flags.subtracting([.readable, .writable, .executable])
        return letters.map { flags.contains($0.0) ? $0.1 : "-" }.joined()
            + (others.isEmpty ? "" : " and \(hex(others.rawValue))")
    }

    private static func describe(_ piece: BootPlan.Piece) -> String {
        let place = "\(piece.name) to \(hex(piece.address))"
        if piece.fileSize == piece.memorySize { return "\(place): \(piece.fileSize) bytes" }
        return "\(place): \(piece.fileSize) bytes, with zeros up to \(piece.memorySize)"
    }

    private static func named(_ number: UInt16, _ names: [UInt16: String]) -> String {
        names[number].map { "\($0) (\(number))" } ?? "\(number)"
    }

    /// `e_machine` (gABI 4.1, figure 4-4, and the registry that continues it): those that people try.
    private static let machines: [UInt16: String] = [
        3: "i386", 8: "MIPS", 20: "PowerPC", 21: "64-bit PowerPC", 22: "S/390", 40: "ARM", 62: "x86-64",
        183: "AArch64", 243: "RISC-V", 247: "BPF", 258: "LoongArch",
    ]

    /// `e_type` (gABI 4.1, figure 4-3).
    private static let types: [UInt16: String] = [
        0: "none", 1: "object file", 2: "executable with fixed addresses", 3: "position-independent or shared",
        4: "core dump",
    ]
}
