import TestSupport

/// Right ELF files with random bytes in random places of their headers; the same ones for the same seed.
struct SpoiledELF: Sequence, IteratorProtocol {
    /// Values that lie next to limits of some kind.
    private static let edges: [UInt64] = [
        0, 1, 2, 3, 0x34, 0x38, 0x40, 0xFFFF, 0x1_0000, 0x10_0000, 0x3FF_FFFF, 0x400_0000, 0xC000_0000, 0xFFFF_FFFF,
        0x1_0000_0000, 1 << 52, 1 << 63, .max - 7, .max,
    ]

    private var random: SplitMix64

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
    }

    mutating func next() -> [UInt8]? {
        var elf = Bool.random(using: &random) ? TinyELF() : TinyELF.elf32
        if Bool.random(using: &random) {
            elf.segments.append(TinyELF.Segment(virtualAddress: 0x20_0000, physicalAddress: 0x20_0000))
        }
        // Wherever it is entered, it halts.
        elf.code = [UInt8](repeating: 0xF4, count: 8)
        var image = elf.bytes
        let headers = 64 + 56 * elf.segments.count
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            let offset = Int.random(in: 4..<headers, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0...3: image[offset] = UInt8.random(in: 0...255, using: &random)
            case 4: return Array(image.prefix(offset))
            default:
                // A whole field at once, as fields of two, four and eight bytes lie.
                let width = [2, 4, 8].randomElement(using: &random) ?? 8
                let value = Self.edges.randomElement(using: &random) ?? 0
                for byte in 0..<width {
                    let place = (offset & ~(width - 1)) + byte
                    if place >= 4 { image[place] = UInt8(truncatingIfNeeded: value >> UInt64(byte * 8)) }
                }
            }
        }
        return image
    }
}
