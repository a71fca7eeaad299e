@testable import VMM

/// A right image of each format with a header, made byte by byte, for tests that spoil it.
struct LoaderSeed: CustomStringConvertible, Sendable {
    let description: String
    var bytes: [UInt8]
    /// Where the headers are.
    let headers: Range<Int>
    let format: ImageFormat

    static let all: [LoaderSeed] = [
        bzImage, bzImage32, multibootELF, multibootELF64, multibootAddresses, multiboot2ELF, multiboot2Addresses, pvh,
        pie, pie32,
    ]

    /// Little-endian words.
    static func words(_ values: [UInt32]) -> [UInt8] {
        values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
    }

    static func longs(_ values: [UInt64]) -> [UInt8] {
        words(values.flatMap { [UInt32(truncatingIfNeeded: $0), UInt32(truncatingIfNeeded: $0 >> 32)] })
    }

    private static func linux(xloadflags: UInt8) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 0x400)
        bytes[0x1F1] = 1  // one sector behind the first
        (bytes[0x1FE], bytes[0x1FF], bytes[0x200], bytes[0x201]) = (0x55, 0xAA, 0xEB, 0x6A)
        bytes.replaceSubrange(0x202..<0x208, with: Array("HdrS".utf8) + [0x0F, 0x02])
        bytes[0x211] = 1  // loaded high
        bytes.replaceSubrange(0x22C..<0x230, with: words([0x7FFF_FFFF]))
        bytes[0x236] = xloadflags
        bytes.replaceSubrange(0x238..<0x23C, with: words([2047]))
        bytes.replaceSubrange(0x258..<0x264, with: words([0x10_0000, 0, 0x4000]))
        return bytes + [UInt8](repeating: 0xF4, count: 0x300)
    }

    static var bzImage: LoaderSeed {
        LoaderSeed(
            description: "bzImage, 64-bit", bytes: linux(xloadflags: 1), headers: 0x1F0..<0x268, format: .linux)
    }

    static var bzImage32: LoaderSeed {
        LoaderSeed(
            description: "bzImage, 32-bit", bytes: linux(xloadflags: 0), headers: 0x1F0..<0x268, format: .linux)
    }

    static func multibootHeader(flags: UInt32, _ more: [UInt32] = []) -> [UInt8] {
        words([0x1BAD_B002, flags, 0 &- 0x1BAD_B002 &- flags] + more)
    }

    /// A header with tags, each given as type, flags and content.
    static func multiboot2Header(_ tags: [(UInt16, UInt16, [UInt32])]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (type, flags, content) in tags + [(0, 0, [])] {
            bytes += words([UInt32(type) | UInt32(flags) << 16, UInt32(8 + content.count * 4)] + content)
            if content.count % 2 == 1 { bytes += words([0]) }
        }
        let length = UInt32(16 + bytes.count)
        return words([0xE852_50D6, 0, length, 0 &- 0xE852_50D6 &- length]) + bytes
    }

    private static func elf(_ description: String, _ format: ImageFormat, is64Bit: Bool, _ header: [UInt8])
        -> LoaderSeed
    {
        var builder = ELFBuilder()
        builder.is64Bit = is64Bit
        builder.segments[0].content = header + [0xF4]
        builder.segments[0].memorySize = 0x400
        let bytes = builder.bytes
        return LoaderSeed(description: description, bytes: bytes, headers: 4..<bytes.count, format: format)
    }

    static var multibootELF: LoaderSeed {
        elf("Multiboot 1, ELF", .multiboot, is64Bit: false, multibootHeader(flags: 3))
    }

    static var multibootELF64: LoaderSeed {
        elf(
            "Multiboot 1, 64-bit ELF", .multiboot, is64Bit: true,
            multibootHeader(flags: 7, [0, 0, 0, 0, 0, 1, 80, 25, 0]))
    }

    static var multibootAddresses: LoaderSeed {
        let header = multibootHeader(flags: 0x10003, [0x10_0010, 0x10_0000, 0x10_0040, 0x10_0080, 0x10_0030])
        let bytes = [UInt8](repeating: 0x90, count: 16) + header + [UInt8](repeating: 0xF4, count: 0x40)
        return LoaderSeed(
            description: "Multiboot 1, addresses", bytes: bytes, headers: 16..<16 + header.count, format: .multiboot)
    }

    static var multiboot2ELF: LoaderSeed {
        elf(
            "Multiboot 2, ELF", .multiboot2, is64Bit: true,
            multiboot2Header([
                (1, 0, [1, 6]), (3, 0, [0x10_0000]), (4, 0, [3]), (5, 0, [80, 25, 0]), (6, 0, []), (7, 1, []),
                (10, 0, [0x10_0000, 0x1F_FFFF, 0x1000, 1]),
            ]))
    }

    static var multiboot2Addresses: LoaderSeed {
        let header = multiboot2Header([(2, 0, [0x10_0000, .max, 0, 0x10_1000]), (3, 0, [0x10_0000])])
        return LoaderSeed(
            description: "Multiboot 2, addresses", bytes: header + [0xF4], headers: 0..<header.count,
            format: .multiboot2)
    }

    static var pvh: LoaderSeed {
        var builder = ELFBuilder()
        builder.is64Bit = false
        builder.segments.append(
            ELFBuilder.Segment(type: 4, content: words([4, 4, 18]) + Array("Xen\0".utf8) + words([0x10_0000])))
        let bytes = builder.bytes
        return LoaderSeed(description: "PVH", bytes: bytes, headers: 4..<bytes.count, format: .pvh)
    }

    /// Linked at 0: two words that hold addresses, what changes them, and the dynamic section.
    static var pie: LoaderSeed {
        let rela = longs([0x20, 8, 0x123, 0x28, 8, 0x28])
        let dynamic = longs([7, 0x40, 8, 48, 9, 24, 0, 0])
        return positionIndependent(is64Bit: true, table: rela, dynamic: dynamic)
    }

    static var pie32: LoaderSeed {
        let rel = words([0x20, 8, 0x28, 8])
        let dynamic = words([17, 0x40, 18, 16, 19, 8, 0, 0])
        return positionIndependent(is64Bit: false, table: rel, dynamic: dynamic)
    }

    static func positionIndependent(
        is64Bit: Bool, table: [UInt8], dynamic: [UInt8], alignment: UInt64 = 0x1000, base: UInt64 = 0
    ) -> LoaderSeed {
        var builder = ELFBuilder()
        builder.is64Bit = is64Bit
        builder.type = 3
        builder.entry = base
        let code = [UInt8](repeating: 0xF4, count: 0x20) + longs([0x111, 0x222, 0, 0]) + table
        let place = base &+ 0x1000
        builder.segments = [
            ELFBuilder.Segment(
                virtualAddress: base, physicalAddress: base, content: code, memorySize: 0x200, alignment: alignment),
            ELFBuilder.Segment(virtualAddress: place, physicalAddress: place, content: dynamic),
            ELFBuilder.Segment(type: 2, content: []),
        ]
        let headers = is64Bit ? 64 + 3 * 56 : 52 + 3 * 32
        builder.segments[2].fileOffset = UInt64(headers + code.count)
        builder.segments[2].fileSize = UInt64(dynamic.count)
        let bytes = builder.bytes
        return LoaderSeed(
            description: is64Bit ? "PIE, 64-bit" : "PIE, 32-bit", bytes: bytes, headers: 4..<bytes.count, format: .elf)
    }
}
