/// The device's side of a split virtqueue (VIRTIO 1.2 §2.7), from when the driver made it ready until its reset.
///
/// A device works like this, each time it is notified (and once at DRIVER_OK):
///
/// ```swift
/// repeat {
///     try queue.suppressNotifications()
///     while try queue.nextChain(into: &chain) {
///         let written = ...  // read chain.readable, fill chain.writable
///         try queue.addUsed(chain, written: written)
///     }
///     if try queue.publish() { ...  // interrupt }
/// } while try queue.enableNotifications()
/// ```
///
/// Another vCPU can offer chains as fast as they are taken, so a device bounds how many it takes before it lets others go on.
///
/// What a driver does wrong is a ``VirtqueueError``. After one the queue is broken: it writes nothing more, and everything
/// throws the same error again until the queue is made anew. `false` from ``nextChain(into:)`` always means that a sound queue has
/// nothing to offer.
///
/// Concurrency model: one thread at a time, by the device's lock. The driver runs at the same time on any number of vCPUs and may
/// write anything anywhere: indices are read with acquire and written with release ordering, and whatever else the driver writes is
/// copied once and checked as a copy.
public struct Virtqueue: ~Copyable, Sendable {
    /// Where the parts lie; checked.
    public let layout: VirtqueueLayout
    /// What was negotiated.
    public let features: VirtqueueFeatures
    /// The number of entries.
    public let size: UInt16
    /// Why the queue is broken, if it is.
    public private(set) var fault: VirtqueueError?

    private let memory: GuestMemory
    /// The available index as it was last read, and found in reach.
    private var seenAvailable: UInt16
    /// The index in the available ring of the chain to take next.
    private var nextAvailable: UInt16
    /// The index in the used ring to write next.
    private var nextUsed: UInt16
    /// The used index as the driver knows it.
    private var publishedUsed: UInt16

    /// VIRTQ_AVAIL_F_NO_INTERRUPT and VIRTQ_USED_F_NO_NOTIFY are the same bit (VIRTIO 1.2 §2.7.6, §2.7.8).
    private static let suppressed: UInt16 = 1

    /// Makes a queue ready. Nothing is written before the first call.
    ///
    /// - Parameters:
    ///   - layout: what the driver said.
    ///   - features: what was negotiated.
    ///   - memory: the guest's RAM.
    ///   - position: where to go on with a queue that was saved; a new one begins at 0.
    /// - Throws: ``VirtqueueError`` for a size that cannot be, a part that is not aligned or not wholly in RAM, or a position with
    ///   more chains in flight than entries.
    public init(
        layout: VirtqueueLayout, features: VirtqueueFeatures, memory: GuestMemory,
        resumingAt position: VirtqueuePosition = VirtqueuePosition()
    ) throws(VirtqueueError) {
        let size = try layout.checkedSize(in: memory)
        guard position.available &- position.used <= size else { throw .position(position, size: size) }
        self.size = size
        self.layout = layout
        self.features = features
        self.memory = memory
        seenAvailable = position.available
        nextAvailable = position.available
        nextUsed = position.used
        publishedUsed = position.used
    }

    /// How far the device has come; what was added but not published does not count as used.
    public var position: VirtqueuePosition {
        VirtqueuePosition(available: nextAvailable, used: publishedUsed)
    }

    /// Takes the next chain that the driver offers (VIRTIO 1.2 §2.7.13).
    ///
    /// - Parameter chain: filled with its buffers; without any if none is offered or an error is thrown.
    /// - Returns: whether one was offered.
    /// - Throws: ``VirtqueueError``; the queue is broken from then on.
    public mutating func nextChain(into chain: inout DescriptorChain) throws(VirtqueueError) -> Bool {
        chain.removeAll()
        do throws(VirtqueueError) {
            return try unlessBroken { queue throws(VirtqueueError) in
                // The index is read again only when all that it stood for is taken: less of the driver's cache lines is needed.
                if queue.nextAvailable == queue.seenAvailable { try queue.readAvailableIndex() }
                guard queue.nextAvailable != queue.seenAvailable else { return false }
                try queue.takeChain(into: &chain)
                return true
            }
        } catch {
            chain.removeAll()
            throw error
        }
    }

    /// How many chains the driver offers that were not taken, by a new look at the available ring.
    ///
    /// - Throws: ``VirtqueueError``; the queue is broken from then on.
    public mutating func availableCount() throws(VirtqueueError) -> UInt16 {
        try unlessBroken { queue throws(VirtqueueError) in
            try queue.readAvailableIndex()
            return queue.seenAvailable &- queue.nextAvailable
        }
    }

    /// Gives a chain back, as ``addUsed(head:written:)`` does, but never says that more was written than the chain has room
    /// for: a number that is too small is allowed, one that is too large is not (VIRTIO 1.2 §2.7.8.2).
    public mutating func addUsed(_ chain: DescriptorChain, written: UInt32) throws(VirtqueueError) {
        try addUsed(
            head: chain.head, written: UInt32(truncatingIfNeeded: min(UInt64(written), chain.writableByteCount)))
    }

    /// Gives a chain back to the driver (VIRTIO 1.2 §2.7.8), in any order. The driver sees it after ``publish()``.
    ///
    /// - Parameters:
    ///   - head: the chain's ``DescriptorChain/head``.
    ///   - written: how many bytes were written, from the first writable one on without a gap.
    /// - Throws: ``VirtqueueError`` if the queue is broken, or if no chain is with the device.
    public mutating func addUsed(head: UInt16, written: UInt32) throws(VirtqueueError) {
        try unlessBroken { queue throws(VirtqueueError) in
            guard queue.nextUsed != queue.nextAvailable else { throw .notInFlight(head: head) }
            let address = queue.layout.usedElement(queue.nextUsed & queue.mask)
            do throws(GuestMemoryError) {
                // `le32 id; le32 len`
                try queue.memory.store(UInt64(written) &<< 32 | UInt64(head), at: address)
            } catch {
                throw .ringNotInMemory(.usedRing, error)
            }
            queue.nextUsed &+= 1
        }
    }

    /// Lets the driver see all chains that were given back since the last time, and tells whether it wants to be interrupted for
    /// them (VIRTIO 1.2 §2.7.7.2): one store of the index and one answer for the whole batch.
    ///
    /// - Returns: whether to send a used buffer notification; false if no chain was given back.
    /// - Throws: ``VirtqueueError`` if the queue is broken.
    public mutating func publish() throws(VirtqueueError) -> Bool {
        try unlessBroken { queue throws(VirtqueueError) in
            let (old, new) = (queue.publishedUsed, queue.nextUsed)
            guard new != old else { return false }
            try queue.store(new, at: queue.layout.usedIndex)
            queue.publishedUsed = new
            // The driver says what it wants and then looks at the index; here it is the other way round. With a full fence on
            // both sides one of the two sees what the other wrote, so that no chain waits unseen (VIRTIO 1.2 §2.7.14).
            queue.memory.fence()
            if queue.features.contains(.eventIndex) {
                let event = try queue.load(.availableRing, at: queue.layout.usedEvent)
                return Self.passes(event, from: old, to: new)
            }
            return try queue.load(.availableRing, at: queue.layout.availableFlags) & Self.suppressed == 0
        }
    }

    /// Tells the driver that it need not notify the device, while the device looks by itself (VIRTIO 1.2 §2.7.10). The driver may
    /// do so all the same.
    ///
    /// With VIRTIO_F_EVENT_IDX nothing is written: flags must stay 0, and the driver's index has passed the event index that made
    /// it notify.
    ///
    /// - Throws: ``VirtqueueError`` if the queue is broken.
    public mutating func suppressNotifications() throws(VirtqueueError) {
        try unlessBroken { queue throws(VirtqueueError) in
            guard !queue.features.contains(.eventIndex) else { return }
            try queue.store(Self.suppressed, at: queue.layout.usedFlags)
        }
    }

    /// Asks the driver to notify the device of the next chain, and looks again whether there is one already (VIRTIO 1.2 §2.7.10).
    ///
    /// The driver may have offered a chain, and seen that no notification was wanted, after the device last looked. The second
    /// look finds it.
    ///
    /// - Returns: whether chains are offered; if so, take them, for no notification may come.
    /// - Throws: ``VirtqueueError``; the queue is broken from then on.
    public mutating func enableNotifications() throws(VirtqueueError) -> Bool {
        try unlessBroken { queue throws(VirtqueueError) in
            if queue.features.contains(.eventIndex) {
                try queue.store(queue.nextAvailable, at: queue.layout.availableEvent)
            } else {
                try queue.store(0, at: queue.layout.usedFlags)
            }
            // The store must be seen before the index is read: see `publish()`.
            queue.memory.fence()
            try queue.readAvailableIndex()
            return queue.seenAvailable != queue.nextAvailable
        }
    }

    /// Whether an index that goes from `old` to `new` passes `event`: whether an entry with that index was among those that were
    /// written (VIRTIO 1.2 §2.7.7.2, §2.7.10). Indices wrap at 65,536.
    public static func passes(_ event: UInt16, from old: UInt16, to new: UInt16) -> Bool {
        // How far `event` is behind the last entry written, against how many were written. An event that is not behind it wraps
        // to a large number.
        new &- event &- 1 < new &- old
    }

    private var mask: UInt16 { size &- 1 }

    /// Reads and checks the available index (VIRTIO 1.2 §2.7.6).
    private mutating func readAvailableIndex() throws(VirtqueueError) {
        let index = try load(.availableRing, at: layout.availableIndex)
        // A driver takes no chain back (§2.7.6.1), and has no more on their way than the queue has entries (§2.7): those that it
        // has not been given back count too, or it could fill the device with chains. The sum has 32 bits, so it does not wrap.
        let inFlight = nextAvailable &- publishedUsed
        let offered = index &- nextAvailable
        guard offered >= seenAvailable &- nextAvailable, UInt32(offered) &+ UInt32(inFlight) <= UInt32(size) else {
            throw .availableIndex(index, taken: nextAvailable, inFlight: inFlight)
        }
        seenAvailable = index
    }

    private mutating func takeChain(into chain: inout DescriptorChain) throws(VirtqueueError) {
        let head = try load(.availableRing, at: layout.availableEntry(nextAvailable & mask))
        guard head < size else { throw .head(head, availableIndex: nextAvailable) }
        var walk = DescriptorWalk(memory: memory, features: features, table: layout.descriptorTable, size: size)
        try walk.walk(from: head, into: &chain)
        nextAvailable &+= 1
    }

    /// Does something with a queue that is whole; what goes wrong breaks it.
    private mutating func unlessBroken<R>(
        _ body: (inout Virtqueue) throws(VirtqueueError) -> R
    ) throws(VirtqueueError) -> R {
        if let fault { throw fault }
        do throws(VirtqueueError) {
            return try body(&self)
        } catch {
            fault = error
            throw error
        }
    }

    private func load(_ part: VirtqueuePart, at address: GuestAddress) throws(VirtqueueError) -> UInt16 {
        do throws(GuestMemoryError) {
            return try memory.loadAcquiring(at: address)
        } catch {
            throw .ringNotInMemory(part, error)
        }
    }

    /// Writes a word of the used ring, the only part that a device writes.
    private func store(_ value: UInt16, at address: GuestAddress) throws(VirtqueueError) {
        do throws(GuestMemoryError) {
            try memory.storeReleasing(value, at: address)
        } catch {
            throw .ringNotInMemory(.usedRing, error)
        }
    }
}
