import DeviceModel

/// Guest memory in a block of the heap, so that the address sanitizer sees every byte beside it.
@safe
final class FuzzBlock: @unchecked Sendable {
    static let start: UInt64 = 0x1000
    private static let size = 4096

    // SAFETY: allocated in `init`, freed in `deinit`, changed by nobody in between.
    private let block: UnsafeMutableRawBufferPointer

    private init() {
        unsafe block = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.size, alignment: 4096)
        unsafe block.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit {
        unsafe block.deallocate()
    }

    static func makeMemory() -> GuestMemory {
        let owner = FuzzBlock()
        do throws(GuestMemoryLayoutError) {
            // SAFETY: `owner` owns the block, and only this guest memory has it.
            return try unsafe GuestMemory(regions: [(start: GuestAddress(start), bytes: owner.block)], owner: owner)
        } catch {
            preconditionFailure("\(error)")
        }
    }
}
