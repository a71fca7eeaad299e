import DeviceModel
import Glibc
import KVM
import LinuxHost

/// Bytes of guest memory on their way to a file descriptor, which the system takes them from without a copy, or to be filled
/// from one.
struct GuestBytes {
    /// How many bytes one call moves: the reader of a pipe is woken when the call ends, and would sleep until all of a larger
    /// buffer is in the pipe; and no signal ends a read of a file.
    private static let longestCall: UInt64 = 64 << 10

    let memory: GuestMemory
    private var segments: [GuestSegment] = []
    /// The first segment that is not done, and how many of its bytes are.
    private var position = (segment: 0, offset: UInt32(0))

    init(memory: GuestMemory) {
        self.memory = memory
    }

    /// How many are not done.
    private(set) var count: UInt64 = 0

    /// Adds segments behind the others.
    mutating func append(_ new: ArraySlice<GuestSegment>) {
        segments += new
        for segment in new { count &+= UInt64(segment.count) }
    }

    /// Forgets everything but keeps the storage.
    mutating func removeAll() {
        segments.removeAll(keepingCapacity: true)
        position = (0, 0)
        count = 0
    }

    /// The first bytes are done.
    mutating func removeFirst(_ number: Int) {
        var rest = UInt64(clamping: number)
        while rest > 0, position.segment < segments.count {
            let left = UInt64(segments[position.segment].count &- position.offset)
            guard rest >= left else {
                position.offset &+= UInt32(truncatingIfNeeded: rest)
                count &-= rest
                return
            }
            rest &-= left
            count &-= left
            position = (position.segment &+ 1, 0)
        }
    }

    /// Writes as many as the stream takes now, 64 KiB at most (writev(2)).
    ///
    /// - Returns: how many, or a negative error number.
    func write(to stream: Stream) -> Int {
        // SAFETY: the buffers live for the length of the call.
        withNext { segments in unsafe try? memory.withBuffersToRead(segments) { unsafe stream.write($0) } }
    }

    /// Fills as many as the stream has now, 64 KiB at most (readv(2)).
    ///
    /// - Returns: how many, 0 at the end of what is read, or a negative error number.
    func read(from stream: Stream) -> Int {
        // SAFETY: the buffers live for the length of the call.
        withNext { segments in unsafe try? memory.withBuffersToWrite(segments) { unsafe stream.read($0) } }
    }

    /// Hands the bytes that are not done, up to so many, to `body` in parts.
    func forEachPart(upTo limit: Int, _ body: (RawSpan) -> Void) {
        var room = limit
        for segment in next() where room > 0 {
            let length = min(room, Int(segment.count))
            try? memory.withMutableBytes(at: segment.address, count: length) { body($0.bytes) }
            room &-= length
        }
    }

    /// Fills the bytes with what there is.
    ///
    /// - Returns: how many were filled.
    func fill(from bytes: ArraySlice<UInt8>) -> Int {
        var rest = bytes
        for segment in next() where !rest.isEmpty {
            let part = rest.prefix(Int(segment.count))
            try? memory.write(part.span, at: segment.address)
            rest = rest.dropFirst(part.count)
        }
        return bytes.count - rest.count
    }

    /// The segments that are not done, so many at most, the first without what is.
    private func next(_ longest: Int = .max) -> ArraySlice<GuestSegment> {
        var rest = segments[min(position.segment, segments.count)...].prefix(longest)
        if let first = rest.first, position.offset > 0 {
            // Within the segment, which the gate has found in one region.
            let address = first.address.adding(UInt64(position.offset)) ?? first.address
            rest[rest.startIndex] = GuestSegment(address: address, count: first.count &- position.offset)
        }
        return rest
    }

    /// Those that one call takes.
    private var nextCall: ArraySlice<GuestSegment> {
        var part = next(longestVector)
        var room = Self.longestCall
        for index in part.indices {
            let segment = part[index]
            guard UInt64(segment.count) <= room else {
                part[index] = GuestSegment(address: segment.address, count: UInt32(clamping: room))
                return part[...index]
            }
            room &-= UInt64(segment.count)
        }
        return part
    }

    /// Nil where the gate refuses, which it did not when the segments were made.
    func withNext(_ body: (ArraySlice<GuestSegment>) -> Int?) -> Int {
        body(nextCall) ?? Int(-EFAULT)
    }
}

extension DescriptorChain {
    /// A copy of the first bytes that the device may read, from however many buffers; fewer where there are no more.
    func readableBytes(upTo limit: Int, in memory: GuestMemory) -> [UInt8] {
        var bytes: [UInt8] = []
        for segment in readable where bytes.count < limit {
            let count = min(Int(segment.count), limit - bytes.count)
            var part = [UInt8](repeating: 0, count: count)
            var span = part.mutableSpan
            guard (try? memory.read(at: segment.address, into: &span)) != nil else { break }
            bytes += part
        }
        return bytes
    }
}

/// A buffer that a driver has offered to be filled, held until there is something for it.
struct WritableChain {
    private(set) var chain = DescriptorChain()
    /// What it has room for.
    var bytes: GuestBytes
    /// Whether the chain was taken and not given back: what made it look wanted may be gone.
    private var isHeld = false

    init(memory: GuestMemory) {
        bytes = GuestBytes(memory: memory)
    }

    /// Takes one, unless one is held.
    ///
    /// - Returns: whether one is held now.
    mutating func hold(from queue: inout Virtqueue) throws(VirtqueueError) -> Bool {
        if !isHeld, try queue.nextChain(into: &chain) {
            bytes.append(chain.writable)
            isHeld = true
        }
        return isHeld
    }

    /// It was given back, or the queue was taken away.
    mutating func reset() {
        isHeld = false
        bytes.removeAll()
    }
}
