import Synchronization

/// The RAM of a guest: a few regions of host memory, each at its guest-physical address.
///
/// Every access goes through one gate: the bytes must lie inside one region, or the access is refused with a
/// ``GuestMemoryError``. An access that runs from one region into the next is refused too, also when the two touch.
/// Nobody outside this file sees a pointer, but for who hands buffers to the system (``withBuffersToRead(_:_:)``).
///
/// Concurrency model: any thread may use it at any time, without a lock. vCPUs write the same bytes at the same moment,
/// so what is read may be torn or change between two reads: copy a value once, then check the copy. Words that a guest
/// and a device share as signals are read and written by ``loadAcquiring(at:)`` and ``storeReleasing(_:at:)``, which
/// tear nothing and keep what surrounds them in order.
@safe
public final class GuestMemory: @unchecked Sendable {
    /// Where one stretch of RAM lies, in bytes.
    public struct Region: Equatable, Sendable {
        /// The guest-physical address of the first byte.
        public let start: GuestAddress
        /// The number of bytes, never 0 where there is memory.
        public let size: UInt64

        /// A stretch to ask about, whether or not memory is there.
        public init(start: GuestAddress, size: UInt64) {
            self.start = start
            self.size = size
        }

        /// Whether the `count` bytes at `address` lie inside; with a count of 0, whether `address` lies inside or at its
        /// very end.
        public func contains(_ address: GuestAddress, count: UInt64) -> Bool {
            offset(of: address, count: count) != nil
        }

        /// How far inside an access starts, in bytes, or nil when the region does not hold all of it.
        fileprivate func offset(of address: GuestAddress, count: UInt64) -> UInt64? {
            let (offset, below) = address.rawValue.subtractingReportingOverflow(start.rawValue)
            // The second test cannot wrap once the first holds; `offset + count <= size` could.
            guard !below, count <= size, offset <= size &- count else { return nil }
            return offset
        }
    }

    // SAFETY: the buffer has `region.size` bytes, mapped for as long as `owner` lives. Only the gate looks at it.
    @safe
    private struct Mapping {
        let region: Region
        let buffer: UnsafeMutableRawBufferPointer
    }

    private let mappings: [Mapping]
    private let owner: any AnyObject & Sendable

    /// Makes guest memory of host memory that is mapped already.
    ///
    /// - Parameters:
    ///   - regions: the stretches of RAM, from low to high guest-physical addresses, none overlapping another. The
    ///     caller promises that each buffer is readable and writable for as long as `owner` lives and that nothing in
    ///     this process but this object reaches it.
    ///   - owner: what keeps the buffers mapped; it is released with this object.
    /// - Throws: ``GuestMemoryLayoutError`` for a region that is empty or wraps, or for regions that overlap or are not
    ///   in order.
    @unsafe
    public init(
        regions: [(start: GuestAddress, bytes: UnsafeMutableRawBufferPointer)],
        owner: any AnyObject & Sendable
    ) throws(GuestMemoryLayoutError) {
        var mappings: [Mapping] = []
        // SAFETY: only addresses and sizes are looked at here; the buffers are stored, not read.
        for index in unsafe regions.indices {
            let region = unsafe regions[index]
            let start = unsafe region.start
            let size = UInt64(truncatingIfNeeded: unsafe region.bytes.count)
            if size == 0 {
                throw .empty(start)
            }
            if start.adding(size &- 1) == nil {
                throw .wraps(start, size: size)
            }
            if let previous = mappings.last?.region {
                // The difference cannot wrap when the order is right, and is compared only then.
                guard previous.start < start, start.rawValue &- previous.start.rawValue >= previous.size else {
                    throw .overlapOrDisorder(previous.start, start)
                }
            }
            mappings.append(unsafe Mapping(region: Region(start: start, size: size), buffer: region.bytes))
        }
        self.mappings = mappings
        self.owner = owner
    }

    /// Where RAM lies, from low to high addresses.
    public var regions: [Region] {
        mappings.map(\.region)
    }

    /// Whether the `count` bytes at `address` lie inside one region; with a count of 0, whether `address` lies inside a
    /// region or at its very end.
    public func contains(_ address: GuestAddress, count: UInt64) -> Bool {
        mappings.contains { $0.region.contains(address, count: count) }
    }

    /// Copies the bytes at `address` into the whole of `destination`.
    ///
    /// - Throws: ``GuestMemoryError/outOfBounds(address:count:)``, and `destination` is unchanged.
    public func read(at address: GuestAddress, into destination: inout MutableRawSpan) throws(GuestMemoryError) {
        let count = UInt64(truncatingIfNeeded: destination.byteCount)
        let source = try unsafe bytes(at: address, count: count)
        // SAFETY: both have `count` bytes and may overlap; `self` keeps the source mapped.
        unsafe destination.withUnsafeMutableBytes { unsafe $0.copyMemory(from: UnsafeRawBufferPointer(source)) }
        extendLifetime(self)
    }

    /// Copies all of `bytes` to `address`.
    ///
    /// - Throws: ``GuestMemoryError/outOfBounds(address:count:)``, and memory is unchanged.
    public func write(_ bytes: RawSpan, at address: GuestAddress) throws(GuestMemoryError) {
        let count = UInt64(truncatingIfNeeded: bytes.byteCount)
        let destination = try unsafe self.bytes(at: address, count: count)
        // SAFETY: both have `count` bytes and may overlap; `self` keeps the destination mapped.
        unsafe bytes.withUnsafeBytes { unsafe destination.copyMemory(from: $0) }
        extendLifetime(self)
    }

    /// Copies the bytes at `address` into the whole of `destination`, as the raw form does.
    ///
    /// - Throws: ``GuestMemoryError/outOfBounds(address:count:)``, and `destination` is unchanged.
    public func read(at address: GuestAddress, into destination: inout MutableSpan<UInt8>) throws(GuestMemoryError) {
        // SAFETY: raw bytes of a byte span are its elements; there is no padding and no invalid pattern.
        var bytes = unsafe destination.mutableBytes
        try read(at: address, into: &bytes)
    }

    /// Copies integers to `address`, one behind the other and each with its lowest byte first, as this machine has them.
    ///
    /// - Throws: ``GuestMemoryError/outOfBounds(address:count:)``, and memory is unchanged.
    @inlinable
    public func write<T: FixedWidthInteger & BitwiseCopyable>(
        _ integers: Span<T>, at address: GuestAddress
    ) throws(GuestMemoryError) {
        // SAFETY: the raw bytes of integers have no padding; all of them are initialized.
        try write(unsafe integers.bytes, at: address)
    }

    /// Reads an integer that is stored with its lowest byte first, at any alignment.
    ///
    /// - Throws: ``GuestMemoryError/outOfBounds(address:count:)``.
    public func load<T: FixedWidthInteger & BitwiseCopyable>(
        _ type: T.Type, at address: GuestAddress
    ) throws(GuestMemoryError) -> T {
        let size = UInt64(truncatingIfNeeded: MemoryLayout<T>.size)
        let source = try unsafe bytes(at: address, count: size)
        defer { extendLifetime(self) }
        // SAFETY: the gate gave as many bytes as T has, every bit pattern is a T, and `self` keeps them mapped.
        return T(littleEndian: unsafe source.loadUnaligned(as: T.self))
    }

    /// Writes an integer with its lowest byte first, at any alignment.
    ///
    /// - Throws: ``GuestMemoryError/outOfBounds(address:count:)``, and memory is unchanged.
    public func store<T: FixedWidthInteger & BitwiseCopyable>(
        _ value: T, at address: GuestAddress
    ) throws(GuestMemoryError) {
        let size = UInt64(truncatingIfNeeded: MemoryLayout<T>.size)
        let destination = try unsafe bytes(at: address, count: size)
        // SAFETY: the gate gave as many bytes as T has, and `self` keeps them mapped.
        unsafe destination.storeBytes(of: value.littleEndian, as: T.self)
        extendLifetime(self)
    }

    /// Lends the `count` bytes at `address` for the length of `body`, for a loader that fills RAM straight from a file.
    ///
    /// - Parameters:
    ///   - address: of the first byte.
    ///   - count: in bytes; a negative one is refused like one that is too large.
    ///   - body: reads and writes the bytes; a guest that runs may do so too.
    /// - Throws: ``GuestMemoryError/outOfBounds(address:count:)``, and `body` was not called.
    public func withMutableBytes<R>(
        at address: GuestAddress, count: Int, _ body: (inout MutableRawSpan) -> R
    ) throws(GuestMemoryError) -> R {
        let buffer = try unsafe bytes(at: address, count: UInt64(truncatingIfNeeded: count))
        defer { extendLifetime(self) }
        // SAFETY: the span cannot leave `body`, and `self` keeps the bytes mapped until `body` returns.
        var span = unsafe MutableRawSpan(_unsafeBytes: buffer)
        return body(&span)
    }

    /// Reads a 16-bit word that guest and device share as a signal, with its lowest byte first.
    ///
    /// Whoever stored the value with release ordering is seen to have done what it did before: reads that follow this one
    /// find it.
    ///
    /// - Throws: ``GuestMemoryError``, also for an address that is not even.
    public func loadAcquiring(at address: GuestAddress) throws(GuestMemoryError) -> UInt16 {
        let word = try unsafe atomic(UInt16.self, at: address)
        defer { extendLifetime(self) }
        // SAFETY: the gate gave an aligned word, and `self` keeps it mapped.
        return UInt16(littleEndian: unsafe word.pointee.load(ordering: .acquiring))
    }

    /// Writes a 16-bit word that guest and device share as a signal, with its lowest byte first.
    ///
    /// Whoever reads the value with acquire ordering sees all that was written before it.
    ///
    /// - Throws: ``GuestMemoryError``, also for an address that is not even; memory is unchanged.
    public func storeReleasing(_ value: UInt16, at address: GuestAddress) throws(GuestMemoryError) {
        let word = try unsafe atomic(UInt16.self, at: address)
        // SAFETY: the gate gave an aligned word, and `self` keeps it mapped.
        unsafe word.pointee.store(value.littleEndian, ordering: .releasing)
        extendLifetime(self)
    }

    /// The same of a word of 32 bits.
    ///
    /// - Throws: ``GuestMemoryError``, also for an address that is no multiple of 4.
    public func loadWordAcquiring(at address: GuestAddress) throws(GuestMemoryError) -> UInt32 {
        let word = try unsafe atomic(UInt32.self, at: address)
        defer { extendLifetime(self) }
        // SAFETY: the gate gave an aligned word, and `self` keeps it mapped.
        return UInt32(littleEndian: unsafe word.pointee.load(ordering: .acquiring))
    }

    /// The same of a word of 32 bits.
    ///
    /// - Throws: ``GuestMemoryError``, also for an address that is no multiple of 4; memory is unchanged.
    public func storeWordReleasing(_ value: UInt32, at address: GuestAddress) throws(GuestMemoryError) {
        let word = try unsafe atomic(UInt32.self, at: address)
        // SAFETY: the gate gave an aligned word, and `self` keeps it mapped.
        unsafe word.pointee.store(value.littleEndian, ordering: .releasing)
        extendLifetime(self)
    }

    /// Writes a word of 32 bits where another one is, in one step.
    ///
    /// - Returns: what was there; `value` is written if that is `expected`.
    /// - Throws: ``GuestMemoryError``, also for an address that is no multiple of 4; memory is unchanged.
    public func compareExchangeWord(
        _ expected: UInt32, with value: UInt32, at address: GuestAddress
    ) throws(GuestMemoryError) -> UInt32 {
        let word = try unsafe atomic(UInt32.self, at: address)
        defer { extendLifetime(self) }
        // SAFETY: the gate gave an aligned word, and `self` keeps it mapped.
        let result = unsafe word.pointee.compareExchange(
            expected: expected.littleEndian, desired: value.littleEndian, ordering: .sequentiallyConsistent)
        return UInt32(littleEndian: result.original)
    }

    /// Reads 16 bytes at any alignment, each of them exactly once, as two integers with the lowest byte first.
    ///
    /// An ordinary load may be done twice when a compiler finds that cheaper, and a guest that writes between the two
    /// would be checked by one value and obeyed by the other. An atomic load is done once.
    ///
    /// - Throws: ``GuestMemoryError/outOfBounds(address:count:)``.
    public func loadPairOnce(at address: GuestAddress) throws(GuestMemoryError) -> (low: UInt64, high: UInt64) {
        let source = try unsafe bytes(at: address, count: 16)
        guard let start = source.baseAddress else { throw .outOfBounds(address: address, count: 16) }
        defer { extendLifetime(self) }
        // SAFETY: the gate gave 16 bytes, `self` keeps them mapped, and words are used only where they are aligned.
        if UInt(bitPattern: start) & 7 == 0 {
            let words = unsafe start.bindMemory(to: Atomic<UInt64>.self, capacity: 2)
            let low = unsafe words[0].load(ordering: .relaxed)
            let high = unsafe words[1].load(ordering: .relaxed)
            return (UInt64(littleEndian: low), UInt64(littleEndian: high))
        }
        let bytes = unsafe start.bindMemory(to: Atomic<UInt8>.self, capacity: 16)
        var (low, high): (UInt64, UInt64) = (0, 0)
        for index in (0..<8).reversed() {
            low = low &<< 8 | UInt64(unsafe bytes[index].load(ordering: .relaxed))
            high = high &<< 8 | UInt64(unsafe bytes[index &+ 8].load(ordering: .relaxed))
        }
        return (low, high)
    }

    /// Keeps what this thread stored before it ahead of what it loads after it, as seen by every other thread and vCPU.
    ///
    /// Acquire and release do not do that: a store may become visible after a later load of another word.
    public func fence() {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
    }

    /// Lends the bytes of several segments for the length of `body`, one buffer for each, for what the system reads in one
    /// call (`writev`). The guest may change the bytes at any time.
    ///
    /// - Parameters:
    ///   - segments: what to lend; where the system takes no more than so many buffers, pass no more.
    ///   - body: must not keep a buffer. It sees host addresses, so a guest must not learn what it makes of them.
    /// - Throws: ``GuestMemoryError/outOfBounds(address:count:)``, and `body` was not called.
    @unsafe
    public func withBuffersToRead<R>(
        _ segments: ArraySlice<GuestSegment>, _ body: (UnsafeBufferPointer<UnsafeRawBufferPointer>) -> R
    ) throws(GuestMemoryError) -> R {
        try unsafe withBuffers(segments, { UnsafeRawBufferPointer($0) }, body)
    }

    /// Lends the bytes of several segments for the length of `body`, one buffer for each, for what the system fills in one
    /// call (`readv`), as ``withBuffersToRead(_:_:)`` does.
    @unsafe
    public func withBuffersToWrite<R>(
        _ segments: ArraySlice<GuestSegment>, _ body: (UnsafeBufferPointer<UnsafeMutableRawBufferPointer>) -> R
    ) throws(GuestMemoryError) -> R {
        try unsafe withBuffers(segments, { unsafe $0 }, body)
    }

    private func withBuffers<Buffer, R>(
        _ segments: ArraySlice<GuestSegment>, _ convert: (UnsafeMutableRawBufferPointer) -> Buffer,
        _ body: (UnsafeBufferPointer<Buffer>) -> R
    ) throws(GuestMemoryError) -> R {
        defer { extendLifetime(self) }
        // SAFETY: as many buffers are made as there is room for, and only those are lent; buffers are trivial, so nothing
        // need be destroyed; `self` keeps their bytes mapped until `body` returns.
        let result = unsafe withUnsafeTemporaryAllocation(of: Buffer.self, capacity: segments.count) { room in
            var made = 0
            for segment in segments {
                do throws(GuestMemoryError) {
                    let bytes = try unsafe bytes(at: segment.address, count: UInt64(segment.count))
                    unsafe room.initializeElement(at: made, to: convert(bytes))
                    made &+= 1
                } catch {
                    return Result<R, GuestMemoryError>.failure(error)
                }
            }
            return .success(unsafe body(UnsafeBufferPointer(rebasing: room.prefix(made))))
        }
        return try result.get()
    }

    /// A word for atomic accesses, which must be aligned on the host.
    private func atomic<T: AtomicRepresentable>(
        _ type: T.Type, at address: GuestAddress
    ) throws(GuestMemoryError) -> UnsafeMutablePointer<Atomic<T>> {
        let count = MemoryLayout<T>.size
        let word = try unsafe bytes(at: address, count: UInt64(truncatingIfNeeded: count))
        // SAFETY: the gate gave as many bytes as an atomic T has; only their address is looked at here.
        guard let start = word.baseAddress, Int(bitPattern: start) & (count &- 1) == 0 else {
            throw .misaligned(address: address, alignment: count)
        }
        return unsafe start.bindMemory(to: Atomic<T>.self, capacity: 1)
    }

    /// The gate: the host bytes of an access, or the error when they do not lie inside one region.
    private func bytes(
        at address: GuestAddress, count: UInt64
    ) throws(GuestMemoryError) -> UnsafeMutableRawBufferPointer {
        for mapping in mappings {
            guard let offset = mapping.region.offset(of: address, count: count) else { continue }
            // SAFETY: offset and count are within the buffer, so both fit Int and the result lies inside the buffer.
            let start = unsafe mapping.buffer.baseAddress?.advanced(by: Int(truncatingIfNeeded: offset))
            return unsafe UnsafeMutableRawBufferPointer(start: start, count: Int(truncatingIfNeeded: count))
        }
        throw .outOfBounds(address: address, count: count)
    }
}
