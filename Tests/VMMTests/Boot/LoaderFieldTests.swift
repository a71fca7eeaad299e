import DeviceModel
import TestSupport
import Testing

@testable import VMM

/// Every field of every header set to what breaks arithmetic, and every file cut: it is refused in words, or loaded by the rules. Nothing
/// traps.
@Suite("Headers of all formats, field by field")
struct LoaderFieldTests {
    /// 0, 1, all ones, and what wraps when something is added.
    private static let values: [UInt64] = [
        0, 1, .max, .max - 0xFFF, 1 << 63, 0x7FFF_FFFF_FFFF_FFFF, 0xFFFF_F000, 0x8000_0000, 0x7FFF_FFFF, 0x10_0000,
    ]

    @Test("an image is what it should be, and boots", arguments: LoaderSeed.all)
    func right(seed: LoaderSeed) throws {
        let memory = try GuestRAM.make(LoaderCheck.memorySize).memory
        #expect(LoaderCheck.answer(to: seed.bytes, into: memory) == LoaderCheck.Answer(isAccepted: true))
        #expect(try ImageInspection(.bytes(seed.bytes), memorySize: LoaderCheck.memorySize).format == seed.format)
    }

    @Test("each field set to each limit is refused in words or loaded by the rules", arguments: LoaderSeed.all)
    func fields(seed: LoaderSeed) throws {
        let memory = try GuestRAM.make(LoaderCheck.memorySize).memory
        for offset in seed.headers {
            for width in [1, 2, 4, 8] where offset + width <= seed.headers.upperBound {
                // Fields of Linux's header lie at any offset, the others' at multiples of their size.
                guard seed.format == .linux || width == 1 || (offset - seed.headers.lowerBound) % min(width, 4) == 0
                else { continue }
                for value in Self.values {
                    var bytes = seed.bytes
                    for byte in 0..<width { bytes[offset + byte] = UInt8(truncatingIfNeeded: value >> (byte * 8)) }
                    // As it is recognized, and as it was meant: a wrong magic number makes it something else.
                    for format in [nil, seed.format] {
                        let answer = LoaderCheck.answer(to: bytes, format: format, into: memory)
                        #expect(answer.brokenRule == nil, "offset \(offset), \(width) bytes of \(hex(value))")
                    }
                }
            }
        }
    }

    @Test("a file cut anywhere is refused in words or loaded by the rules", arguments: LoaderSeed.all)
    func cuts(seed: LoaderSeed) throws {
        let memory = try GuestRAM.make(LoaderCheck.memorySize).memory
        for count in 1..<seed.bytes.count {
            for format in [nil, seed.format] {
                let answer = LoaderCheck.answer(to: Array(seed.bytes.prefix(count)), format: format, into: memory)
                #expect(answer.brokenRule == nil, "\(count) bytes")
            }
        }
    }

    @Test("spoiled images neither trap nor break a rule", arguments: 1...4 as ClosedRange<UInt64>)
    func random(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let memory = try GuestRAM.make(LoaderCheck.memorySize).memory
        let seeds = LoaderSeed.all
        var accepted = 0
        let count = TestScale.count(10_000)
        for step in 0..<count {
            let original = seeds[Int.random(in: seeds.indices, using: &random)]
            var bytes = original.bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let offset = Int.random(in: original.headers, using: &random)
                guard offset < bytes.count else { continue }
                switch Int.random(in: 0..<8, using: &random) {
                case 0...2: bytes[offset] = UInt8.random(in: 0...255, using: &random)
                case 3: bytes[offset] ^= 1 << UInt8.random(in: 0...7, using: &random)
                case 4: bytes.removeSubrange(max(1, offset)...)
                default:
                    let value = Self.values[Int.random(in: Self.values.indices, using: &random)]
                    let width = [2, 4, 8].randomElement(using: &random) ?? 8
                    for byte in 0..<width where (offset & ~3) + byte < bytes.count {
                        bytes[(offset & ~3) + byte] = UInt8(truncatingIfNeeded: value >> (byte * 8))
                    }
                }
            }
            let format = Bool.random(using: &random) ? nil : original.format
            let answer = LoaderCheck.answer(to: bytes, format: format, into: memory)
            if answer.isAccepted { accepted += 1 }
            if let rule = answer.brokenRule {
                Issue.record("seed \(seed), step \(step): breaks the rule of \(rule): \(bytes)")
                return
            }
        }
        #expect((count / 20...count * 19 / 20).contains(accepted))
    }
}
