import DeviceModel
import TestSupport
import Testing

@testable import VMM

/// Right ELF files with random bytes in random places. Whatever is made of them, nothing traps, and what is accepted
/// obeys the rules. The seed is the argument, so that a failure can be repeated.
@Suite("Random ELF images")
struct ELFMutationTests {
    private static let memorySize: UInt64 = 2 << 20

    /// Values that lie next to limits of some kind.
    private static let edges: [UInt64] = [
        0, 1, 2, 3, 0x34, 0x38, 0x40, 0xFF, 0x100, 0xFFFF, 0x1_0000, 0x10_0000, 0x1F_FFFF, 0x20_0000, 0x7FFF_FFFF,
        0x8000_0000, 0xFFFF_F000, 0xFFFF_FFFF, 0x1_0000_0000, 1 << 63, .max - 0xFFF, .max - 1, .max,
    ]

    private static func seedImage(_ random: inout SplitMix64) -> [UInt8] {
        var builder = ELFBuilder()
        builder.is64Bit = Bool.random(using: &random)
        builder.segments = (0..<UInt64.random(in: 1...3, using: &random)).map { index in
            let address = 0x10_0000 + index * 0x1000
            return ELFBuilder.Segment(
                virtualAddress: address, physicalAddress: address, content: [UInt8](repeating: 0xF4, count: 8),
                memorySize: 0x20)
        }
        return builder.bytes
    }

    private static func mutate(_ image: inout [UInt8], _ random: inout SplitMix64) {
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let offset = Int.random(in: 4..<image.count, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0...2: image[offset] = UInt8.random(in: 0...255, using: &random)
            case 3: image[offset] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 7: image.removeSubrange(max(5, offset)...)
            default:
                // A whole field at once, as fields of two, four and eight bytes lie.
                let width = [2, 4, 8].randomElement(using: &random) ?? 8
                let start = offset & ~(width - 1)
                let value = edges.randomElement(using: &random) ?? 0
                for byte in 0..<width where start + byte >= 4 && start + byte < image.count {
                    image[start + byte] = UInt8(truncatingIfNeeded: value >> UInt64(byte * 8))
                }
            }
        }
    }

    /// The rule that the accepted image breaks, in 128 bits, where nothing can wrap; nil when it obeys all.
    private static func brokenRule(_ elf: ELFImage, _ loaded: BootPlan, fileSize: Int) -> String? {
        guard loaded.mode == elf.header?.fileClass.mode else { return "mode" }
        guard !elf.segments.isEmpty, elf.segments.count <= 256 else { return "number of segments" }
        var places: [Range<UInt128>] = []
        for segment in elf.segments {
            let start = UInt128(segment.physicalAddress)
            let end = start + UInt128(segment.memorySize)
            guard segment.fileSize <= segment.memorySize, segment.memorySize > 0 else { return "sizes" }
            guard start >= 0x1_0000, end <= UInt128(memorySize) else { return "place" }
            guard UInt128(segment.fileOffset) + UInt128(segment.fileSize) <= UInt128(fileSize) else { return "file" }
            guard !places.contains(where: { $0.overlaps(start..<end) }) else { return "overlap" }
            places.append(start..<end)
        }
        return places.contains { $0.contains(UInt128(loaded.entry)) } ? nil : "entry"
    }

    @Test("100,000 spoiled files neither trap nor pass for what they are not", arguments: 1...2 as ClosedRange<UInt64>)
    func spoiledFiles(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let memory = try GuestRAM.make(Self.memorySize).memory
        var accepted = 0
        let count = TestScale.count(100_000)
        for step in 0..<count {
            var image = Self.seedImage(&random)
            Self.mutate(&image, &random)
            let inspection = Self.inspect(image)
            do throws(VMMError) {
                let loaded = try LoadedImage.load(.bytes(image), format: .elf, into: memory)
                accepted += 1
                guard inspection?.outcome == .success(loaded), let elf = inspection?.elf else {
                    Issue.record("seed \(seed), step \(step): not inspected as loaded: \(image)")
                    return
                }
                if let rule = Self.brokenRule(elf, loaded, fileSize: image.count) {
                    Issue.record("seed \(seed), step \(step): breaks the rule of \(rule): \(image)")
                    return
                }
            } catch {
                guard case .image = error, inspection?.outcome == .failure(error) else {
                    Issue.record("seed \(seed), step \(step): \(error): \(image)")
                    return
                }
            }
        }
        // Otherwise the test would look at little: spoiled files are neither all right nor all wrong.
        #expect((count / 20...count * 19 / 20).contains(accepted))
    }

    /// Nil where the image cannot be inspected at all, which is never.
    private static func inspect(_ bytes: [UInt8]) -> ImageInspection? {
        do throws(VMMError) {
            let inspection = try ImageInspection(.bytes(bytes), format: .elf, memorySize: memorySize)
            // It does arithmetic with what the file says, and is asked of refused images as well.
            let needed = inspection.memoryNeeded
            if case .success = inspection.outcome, needed ?? .max > memorySize { return nil }
            return inspection
        } catch {
            return nil
        }
    }
}
