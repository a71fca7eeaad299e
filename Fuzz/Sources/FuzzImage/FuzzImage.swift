import CFuzzer
import DeviceModel

@testable import VMM

/// An image from a stranger: it is loaded or refused, without a trap and without a write outside guest memory, and what is
/// loaded obeys the rules.
@main
enum FuzzImage {
    private static let lowSize: UInt64 = 2 << 20
    private static let highStart: UInt64 = 4 << 30
    private static let highSize: UInt64 = 64 << 10

    static func main() {
        // SAFETY: the arguments are the process's own; the target takes what libFuzzer lends it for the call.
        _ = unsafe cfuzzer_run(CommandLine.argc, CommandLine.unsafeArgv) { data, count in
            let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
            FuzzImage.load(bytes)
            return 0
        }
    }

    private static func load(_ bytes: [UInt8]) {
        let source = ImageSource.bytes(bytes)
        do throws(ImageError) {
            let image = try ImageReader(source)
            let inspection = try ImageInspection(
                image, name: source.name, format: nil, mode: nil, ram: HeapMemory.shared.regions)
            load(image, inspection, bytes)
        } catch {
            // Any byte can be read, and is at least a flat image.
            precondition(bytes.isEmpty && error == .empty)
        }
    }

    private static func load(_ image: ImageReader, _ inspection: ImageInspection, _ bytes: [UInt8]) {
        // What is needed is told of refused images as well.
        if let needed = inspection.memoryNeeded { precondition(needed >= 1 << 20 && needed % 4096 == 0) }
        do throws(VMMError) {
            var configuration = MachineConfiguration(image: .bytes(bytes))
            configuration.memorySize = lowSize
            configuration.commandLine = "some words"
            let plan = try MachinePlan(
                configuration, image: inspection, host: HostLimits(physicalAddressBits: 46, vcpuCount: 1))
            guard case .success(let loaded) = inspection.outcome else { preconditionFailure("a refused image") }
            // The tables come behind.
            precondition(plan.boot.protocol == loaded.protocol)
            precondition(Array(plan.boot.pieces.prefix(loaded.pieces.count)) == loaded.pieces)
            fill(from: image, plan.boot)
            check(bytes, plan.boot, loaded)
            // What is relocated is changed after it was loaded.
            if plan.boot.relocations == nil { for piece in loaded.pieces { checkContents(of: piece, bytes) } }
        } catch {
            // What there is no room for is found out last.
            if case .image = error { precondition(inspection.outcome == .failure(error)) }
            // Messages are made of what the file says.
            precondition(!error.description.isEmpty)
        }
    }

    /// What was planned can be done.
    private static func fill(from image: ImageReader, _ plan: BootPlan) {
        do throws(ImageError) { try plan.load(from: image, into: HeapMemory.shared) } catch {
            preconditionFailure("\(error)")
        }
    }

    /// Each byte of the image is where it was planned.
    private static func checkContents(of piece: BootPlan.Piece, _ bytes: [UInt8]) {
        precondition(piece.fileSize <= piece.memorySize)
        let expected = bytes[Int(piece.fileOffset)...].prefix(Int(piece.fileSize))
        var placed = [UInt8](repeating: 0, count: expected.count)
        var span = placed.mutableSpan
        precondition((try? HeapMemory.shared.read(at: GuestAddress(piece.address), into: &span)) != nil)
        precondition(placed[...] == expected && expected.count == Int(piece.fileSize))
    }

    /// Everything lies in memory and apart, what is the image's in the file, and the entry in that. In 128 bits, where nothing can wrap.
    private static func check(_ bytes: [UInt8], _ plan: BootPlan, _ loaded: BootPlan) {
        var places: [Range<UInt128>] = []
        for piece in plan.pieces where piece.memorySize > 0 {
            let start = UInt128(piece.address)
            let end = start + UInt128(piece.memorySize)
            precondition(piece.fileSize <= piece.memorySize)
            if case .image(let offset, let count) = piece.content {
                precondition(UInt128(offset) + UInt128(count) <= UInt128(bytes.count))
            }
            let isHigh = start >= UInt128(highStart) && end <= UInt128(highStart + highSize)
            precondition(end <= UInt128(lowSize) || isHigh)
            precondition(!places.contains { $0.overlaps(start..<end) })
            places.append(start..<end)
        }
        let image = places.prefix(loaded.pieces.count { $0.memorySize > 0 })
        precondition(loaded.entry < 4 << 30 && image.contains { $0.contains(UInt128(loaded.entry)) })
    }

    /// Guest memory in two blocks of the heap, so that the address sanitizer sees every byte beside them.
    private final class HeapMemory: Sendable {
        static let shared: GuestMemory = {
            let sizes = [Int(lowSize), Int(highSize)]
            // SAFETY: the blocks are never freed, and only the guest memory has them.
            let blocks = unsafe sizes.map { size in
                let block = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 4096)
                unsafe block.initializeMemory(as: UInt8.self, repeating: 0)
                return unsafe block
            }
            let starts = [GuestAddress(0), GuestAddress(highStart)]
            do throws(GuestMemoryLayoutError) {
                return try unsafe GuestMemory(
                    regions: zip(starts, blocks).map { unsafe (start: $0, bytes: $1) }, owner: HeapMemory())
            } catch {
                preconditionFailure("\(error)")
            }
        }()
    }
}
