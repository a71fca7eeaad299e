import Glibc

/// Zeroed memory of this process for a guest: an anonymous private mapping without reserved swap, so that it costs only
/// the pages that are touched. Unmapped when the last reference goes; a machine that it is mapped into holds one.
public final class HostMemory: Sendable {
    /// In bytes.
    public let size: Int
    private let base: Int

    /// - Parameter size: in bytes, a multiple of the page size.
    /// - Throws: when the system has no room for it.
    public init(size: Int) throws(HostError) {
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let address = unsafe mmap(
            nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw HostError("map \(size) bytes of guest memory", .current)
        }
        // A huge page would cost 2 MiB, and the time to clear them, for a guest that touches one byte. Where the kernel has
        // no huge pages this fails, and nothing is lost.
        // SAFETY: advice about the mapping that was just made; it changes no byte.
        _ = unsafe madvise(address, size, MADV_NOHUGEPAGE)
        self.size = size
        self.base = Int(bitPattern: address)
    }

    deinit {
        // SAFETY: this object owns the mapping; whoever was given its bytes holds this object.
        unsafe munmap(UnsafeMutableRawPointer(bitPattern: base), size)
    }

    /// The mapping's bytes. They are valid only while this object lives, and a guest writes them at any time.
    @unsafe public var bytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: UnsafeMutableRawPointer(bitPattern: base), count: size)
    }

    /// The address of byte `offset` in this process, for KVM's memory slots.
    public func address(at offset: Int) -> UInt64 {
        UInt64(UInt(bitPattern: base) &+ UInt(bitPattern: offset))
    }
}
