import DeviceModel

/// A guest's RAM, for the program around it: `read`, `write` and `withBytes` while no vCPU runs. Addresses are guest-physical. An access
/// must lie in one piece of RAM: below 3 GiB, or from 4 GiB on.
///
/// Concurrency model: safe from any thread but the machine's own. The machine stays as it is until an access is done, whoever resumes or
/// stops it.
public struct MachineMemory: Sendable {
    private enum Owner {
        case finished(GuestMemory)
        case control(MachineControl)
    }

    private let owner: Owner

    /// Of a machine that runs no more.
    init(_ memory: GuestMemory) {
        owner = .finished(memory)
    }

    init(of control: MachineControl) {
        owner = .control(control)
    }

    /// Copies bytes out of the guest.
    ///
    /// - Parameters:
    ///   - address: of the first byte.
    ///   - count: of bytes.
    /// - Throws: ``MemoryAccessError``.
    public func read(at address: UInt64, count: Int) throws(MemoryAccessError) -> [UInt8] {
        try withBytes(at: address, count: count) { bytes in
            // SAFETY: the bytes are copied within the call.
            unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
        }
    }

    /// Copies bytes into the guest.
    ///
    /// - Throws: ``MemoryAccessError``, and memory is unchanged.
    public func write(_ bytes: [UInt8], at address: UInt64) throws(MemoryAccessError) {
        try withBytes(at: address, count: bytes.count) { memory in
            // SAFETY: both have as many bytes, and do not overlap.
            unsafe memory.withUnsafeMutableBytes { unsafe $0.copyBytes(from: bytes) }
        }
    }

    /// Lends bytes of the guest's for the length of `body`, without a copy.
    ///
    /// - Parameters:
    ///   - address: of the first byte.
    ///   - count: of bytes.
    ///   - body: must not wait for the machine, which neither goes on nor ends meanwhile.
    /// - Throws: ``MemoryAccessError``, and `body` was not called.
    public func withBytes<R>(
        at address: UInt64, count: Int, _ body: (inout MutableRawSpan) -> R
    ) throws(MemoryAccessError) -> R {
        switch owner {
        case .finished(let memory): return try Self.access(memory, at: address, count, body)
        case .control(let control):
            let memory = try control.holdStill()
            defer { control.letGo() }
            return try Self.access(memory, at: address, count, body)
        }
    }

    private static func access<R>(
        _ memory: GuestMemory, at address: UInt64, _ count: Int, _ body: (inout MutableRawSpan) -> R
    ) throws(MemoryAccessError) -> R {
        do throws(GuestMemoryError) {
            return try memory.withMutableBytes(at: GuestAddress(address), count: count, body)
        } catch {
            throw .outside(address: address, count: count)
        }
    }
}

/// Why a guest's memory cannot be read or written now.
public enum MemoryAccessError: Error, Equatable, Sendable {
    /// Not all of these bytes are in one piece of the guest's RAM.
    case outside(address: UInt64, count: Int)
    /// Its vCPUs run.
    case running
    /// It is not made yet, or is gone.
    case noMachine
    /// An atomic access to an address that is no multiple of its size, in bytes.
    case misaligned(address: UInt64, size: Int)
}

extension MemoryAccessError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .outside(let address, let count):
            "the \(count) bytes at \(hex(address)) are not all in the guest's RAM; RAM is from 0 to 3 GiB and from 4 GiB on, as much as the machine has"
        case .running: "the guest runs, and its memory with it; pause the machine first, or share a range with it"
        case .noMachine: "there is no machine; make it first, and keep what is left of it while its memory is looked at"
        case .misaligned(let address, let size):
            "\(hex(address)) is no multiple of \(size), as an atomic access of \(size) bytes needs"
        }
    }
}
