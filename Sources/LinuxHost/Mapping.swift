import Glibc
import SystemPackage

/// Zeroed memory of this process for a guest: an anonymous private mapping without reserved swap, so that it costs only
/// the pages that are touched. Unmapped when the last reference goes; a machine that it is mapped into holds one.
public final class HostMemory: Sendable {
    /// In bytes.
    public let size: Int
    private let base: Int

    private static let hugePage = 2 << 20

    /// - Parameters:
    ///   - size: in bytes, a multiple of the page size.
    ///   - hasHugePages: whether to ask for pages of 2 MiB, at whose multiples it begins then. One costs 2 MiB, and the time to clear them,
    ///     for a guest that touches one byte.
    /// - Throws: when the system has no room for it.
    public init(size: Int, hasHugePages: Bool = false) throws(HostError) {
        let (room, overflows) = size.addingReportingOverflow(hasHugePages ? Self.hugePage : 0)
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists.
        let address =
            unsafe overflows
            ? MAP_FAILED
            : mmap(nil, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard var address = unsafe address, unsafe address != MAP_FAILED else {
            throw HostError("map \(size) bytes of guest memory", overflows ? .noMemory : .current)
        }
        if hasHugePages {
            let skipped = (Self.hugePage - Int(bitPattern: address) % Self.hugePage) % Self.hugePage
            // SAFETY: both ends are of the mapping that was just made, and outside the part that is kept.
            unsafe munmap(address, skipped)
            unsafe address += skipped
            unsafe munmap(address + size, Self.hugePage - skipped)
        }
        // Where the kernel has no huge pages this fails, and nothing is lost.
        // SAFETY: advice about the mapping that was just made; it changes no byte.
        _ = unsafe madvise(address, size, hasHugePages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE)
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
