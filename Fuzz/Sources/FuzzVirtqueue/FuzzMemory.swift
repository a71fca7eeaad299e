import DeviceModel

/// Guest memory in two blocks of the heap, so that the address sanitizer sees every byte beside them, and a copy of what the driver
/// and the device's answers made of it.
final class FuzzMemory {
    static let lowStart: UInt64 = 0x1000
    static let highStart: UInt64 = .max - 255
    private static let sizes = [4096, 256]

    let memory: GuestMemory
    /// The first block as it must be where no used ring is.
    var expected = [UInt8](repeating: 0, count: FuzzMemory.sizes[0])

    init() {
        let blocks = Blocks(Self.sizes)
        let starts = [GuestAddress(Self.lowStart), GuestAddress(Self.highStart)]
        do throws(GuestMemoryLayoutError) {
            // SAFETY: `blocks` owns the blocks, and only this guest memory has them.
            memory = try unsafe GuestMemory(
                regions: zip(starts, blocks.blocks).map { unsafe (start: $0, bytes: $1) }, owner: blocks)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    /// The parts at the front of the first block.
    static func layout(size: UInt32) -> VirtqueueLayout {
        let available = lowStart + 16 * UInt64(size)
        return VirtqueueLayout(
            size: size, descriptorTable: GuestAddress(lowStart), availableRing: GuestAddress(available),
            usedRing: GuestAddress((available + 6 + 2 * UInt64(size) + 3) & ~3))
    }

    /// Writes as the driver does: nothing where there is no RAM.
    func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at address: UInt64) {
        guard (try? memory.store(value, at: GuestAddress(address))) != nil else { return }
        for index in 0..<(T.bitWidth / 8) {
            note(UInt8(truncatingIfNeeded: value >> T(index * 8)), at: address &+ UInt64(index))
        }
    }

    /// Remembers a byte of the first block.
    func note(_ byte: UInt8, at address: UInt64) {
        let offset = address &- Self.lowStart
        if offset < UInt64(expected.count) { expected[Int(offset)] = byte }
    }

    static func holds(_ segment: GuestSegment) -> Bool {
        let (start, end) = (
            UInt128(segment.address.rawValue), UInt128(segment.address.rawValue) + UInt128(segment.count)
        )
        return zip([lowStart, highStart], sizes).contains { UInt128($0) <= start && end <= UInt128($0) + UInt128($1) }
    }

    /// Frees the blocks when nobody has them.
    @safe
    private final class Blocks: @unchecked Sendable {
        // SAFETY: allocated in `init`, freed in `deinit`, changed by nobody in between.
        let blocks: [UnsafeMutableRawBufferPointer]

        init(_ sizes: [Int]) {
            unsafe blocks = sizes.map { size in
                let block = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 4096)
                unsafe block.initializeMemory(as: UInt8.self, repeating: 0)
                return unsafe block
            }
        }

        deinit {
            for index in unsafe blocks.indices { unsafe blocks[index].deallocate() }
        }
    }
}
