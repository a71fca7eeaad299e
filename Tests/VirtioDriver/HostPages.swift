import DeviceModel

/// Zeroed host memory, freed with this object: the owner of a `GuestMemory` in tests.
@safe
package final class HostPages: @unchecked Sendable {
    // SAFETY: allocated in `init`, freed in `deinit`, changed by nobody in between.
    private let buffers: [UnsafeMutableRawBufferPointer]
    private let onRelease: @Sendable () -> Void

    private init(sizes: [Int], onRelease: @escaping @Sendable () -> Void) {
        unsafe buffers = sizes.map { size in
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 4096)
            unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0)
            return unsafe buffer
        }
        self.onRelease = onRelease
    }

    deinit {
        for index in unsafe buffers.indices {
            unsafe buffers[index].deallocate()
        }
        onRelease()
    }

    /// Guest memory with these regions, each a start and a size in bytes.
    package static func makeMemory(
        _ regions: [(start: UInt64, size: Int)], onRelease: @escaping @Sendable () -> Void = {}
    ) throws(GuestMemoryLayoutError) -> GuestMemory {
        let pages = HostPages(sizes: regions.map(\.size), onRelease: onRelease)
        let starts = regions.map { GuestAddress($0.start) }
        // SAFETY: `pages` owns the buffers and goes along as the owner.
        let mapped = unsafe zip(starts, pages.buffers).map { unsafe (start: $0, bytes: $1) }
        return try unsafe GuestMemory(regions: mapped, owner: pages)
    }
}
