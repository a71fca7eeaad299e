import DeviceModel
import Synchronization

/// A range of a guest's RAM that the program around it reads and writes while the guest runs. The guest is told to leave it alone, as
/// memory that its firmware keeps: it knows the address from its command line, or by agreement.
///
/// ```swift
/// let shared = SharedMemory(address: 0x200000, byteCount: 4096)
/// configuration.sharedMemory = [shared]
/// …
/// try shared.store(1, at: 0)
/// ```
///
/// Offsets count from the start of the range, in bytes; words have 32 bits, the lowest byte first, at multiples of 4.
///
/// Concurrency model: safe from any thread, while the guest does the same. A word that is loaded is one that was stored; who loads it
/// sees what was written before it was stored. ``read(at:count:)`` and ``write(_:at:)`` are no such thing: what they copy may change
/// meanwhile.
public final class SharedMemory: Sendable {
    /// Guest-physical, a multiple of 4096.
    public let address: UInt64
    /// A multiple of 4096.
    public let byteCount: Int

    private struct Place {
        /// Kept by the machine.
        weak var memory: GuestMemory?
    }

    private let machineClaim = MachineClaim()
    private let place = Mutex(Place())

    public init(address: UInt64, byteCount: Int) {
        self.address = address
        self.byteCount = byteCount
    }

    func connect(_ memory: GuestMemory) {
        place.withLock { $0.memory = memory }
    }

    /// - Throws: ``MemoryAccessError``, but not `.running`.
    public func load(at offset: Int) throws(MemoryAccessError) -> UInt32 {
        try access(at: offset, count: 4) { (memory, address) throws(GuestMemoryError) in
            try memory.loadWordAcquiring(at: address)
        }
    }

    /// - Throws: ``MemoryAccessError``, but not `.running`.
    public func store(_ value: UInt32, at offset: Int) throws(MemoryAccessError) {
        try access(at: offset, count: 4) { (memory, address) throws(GuestMemoryError) in
            try memory.storeWordReleasing(value, at: address)
        }
    }

    /// Stores a word where another one is, in one step.
    ///
    /// - Returns: what was there; the new word is stored if that is `expected`.
    /// - Throws: ``MemoryAccessError``, but not `.running`.
    public func compareExchange(
        _ expected: UInt32, with value: UInt32, at offset: Int
    ) throws(MemoryAccessError) -> UInt32 {
        try access(at: offset, count: 4) { (memory, address) throws(GuestMemoryError) in
            try memory.compareExchangeWord(expected, with: value, at: address)
        }
    }

    /// Copies bytes out, one after the other.
    ///
    /// - Throws: ``MemoryAccessError``, but not `.running`.
    public func read(at offset: Int, count: Int) throws(MemoryAccessError) -> [UInt8] {
        try access(at: offset, count: count) { (memory, address) throws(GuestMemoryError) in
            var bytes = [UInt8](repeating: 0, count: count)
            var span = bytes.mutableSpan
            try memory.read(at: address, into: &span)
            return bytes
        }
    }

    /// Copies bytes in, one after the other.
    ///
    /// - Throws: ``MemoryAccessError``, but not `.running`; memory is unchanged.
    public func write(_ bytes: [UInt8], at offset: Int) throws(MemoryAccessError) {
        try access(at: offset, count: bytes.count) { (memory, address) throws(GuestMemoryError) in
            try memory.write(bytes.span, at: address)
        }
    }

    private func access<R>(
        at offset: Int, count: Int, _ body: (GuestMemory, GuestAddress) throws(GuestMemoryError) -> R
    ) throws(MemoryAccessError) -> R {
        guard let memory = place.withLock({ $0.memory }) else { throw .noMachine }
        let place = address &+ UInt64(bitPattern: Int64(offset))
        guard offset >= 0, count >= 0, offset <= byteCount, count <= byteCount - offset else {
            throw .outside(address: place, count: count)
        }
        do throws(GuestMemoryError) {
            return try body(memory, GuestAddress(place))
        } catch .misaligned(_, let size) {
            throw .misaligned(address: place, size: size)
        } catch {
            throw .outside(address: place, count: count)
        }
    }
}

extension SharedMemory: Claimable {
    var kind: String { "shared memory" }
    func claim() -> Bool { machineClaim.take() }
}
