import DeviceModel

/// The driver's side of a split virtqueue, over real guest memory: what a guest does, step by step, with every value in the hands
/// of the test.
///
/// It begins with descriptors and heads; `MockDriver+Buffers.swift` adds buffers for tests of devices.
package struct MockDriver {
    /// An element of the used ring.
    package struct Used: Hashable {
        package var head: UInt32
        package var written: UInt32

        package init(head: UInt32, written: UInt32) {
            (self.head, self.written) = (head, written)
        }
    }

    package let memory: GuestMemory
    package let layout: VirtqueueLayout
    package let features: VirtqueueFeatures
    /// The slot that the next head goes to, and the index after the last that the device was told.
    package private(set) var next: UInt16
    package private(set) var published: UInt16
    /// The index of the element of the used ring that is looked at next.
    package private(set) var seen: UInt16
    /// Descriptors that no chain has, and those of each chain by its head.
    package var free: [UInt16]
    package var chains: [UInt16: [UInt16]] = [:]

    /// Makes a queue of so many entries from `base` on, in zeroed memory.
    package init(
        memory: GuestMemory, size: UInt16, base: UInt64, features: VirtqueueFeatures = [],
        position: VirtqueuePosition = VirtqueuePosition()
    ) throws {
        self.memory = memory
        self.features = features
        layout = Self.layout(size: size, base: base)
        next = position.available
        published = position.available
        seen = position.used
        free = Array(0..<size)
        try memory.storeReleasing(next, at: address(2, past: layout.availableRing))
        try memory.storeReleasing(seen, at: address(2, past: layout.usedRing))
    }

    /// The parts one behind the other, each aligned as it must be and no more.
    package static func layout(size: UInt16, base: UInt64) -> VirtqueueLayout {
        let available = base + 16 * UInt64(size)
        let used = (available + 6 + 2 * UInt64(size) + 3) / 4 * 4
        return VirtqueueLayout(
            size: UInt32(size), descriptorTable: GuestAddress(base), availableRing: GuestAddress(available),
            usedRing: GuestAddress(used))
    }

    /// The first address behind the parts of such a queue.
    package static func end(size: UInt16, base: UInt64) -> UInt64 {
        layout(size: size, base: base).usedRing.rawValue + 6 + 8 * UInt64(size)
    }

    /// The device's side of this queue.
    package func makeQueue(position: VirtqueuePosition = VirtqueuePosition()) throws(VirtqueueError) -> Virtqueue {
        try Virtqueue(layout: layout, features: features, memory: memory, resumingAt: position)
    }

    // MARK: Offering

    /// Writes an entry of the descriptor table.
    package func set(_ index: UInt16, _ descriptor: MockDescriptor) throws {
        try write([descriptor], at: layout.descriptorTable.rawValue + 16 * UInt64(index))
    }

    /// Writes an indirect table.
    package func write(_ descriptors: [MockDescriptor], at address: UInt64) throws {
        let words = descriptors.flatMap(\.words)
        try memory.write(words.span, at: GuestAddress(address))
    }

    /// Puts a head into the available ring, without telling the device.
    package mutating func offer(_ head: UInt16) throws {
        let slot = UInt64(next) % UInt64(layout.size)
        try memory.store(head, at: address(4 + 2 * slot, past: layout.availableRing))
        next &+= 1
    }

    /// Tells the device what was offered (VIRTIO 1.2 §2.7.13.3).
    ///
    /// - Returns: whether the device must be notified (§2.7.10.1).
    package mutating func publish() throws -> Bool {
        let old = published
        try setAvailableIndex(next)
        published = next
        memory.fence()
        guard features.contains(.eventIndex) else {
            return try memory.loadAcquiring(at: layout.usedRing) & 1 == 0
        }
        let event = try memory.loadAcquiring(at: address(4 + 8 * UInt64(layout.size), past: layout.usedRing))
        var index = old
        while index != next {
            if index == event { return true }
            index &+= 1
        }
        return false
    }

    /// Writes the available index, whatever was offered.
    package func setAvailableIndex(_ index: UInt16) throws {
        try memory.storeReleasing(index, at: address(2, past: layout.availableRing))
    }

    // MARK: Getting back

    /// The next element of the used ring, if there is one. It does not free its descriptors: `takeBuffers` does.
    package mutating func takeUsed() throws -> Used? {
        guard try memory.loadAcquiring(at: address(2, past: layout.usedRing)) != seen else { return nil }
        let element = address(4 + 8 * (UInt64(seen) % UInt64(layout.size)), past: layout.usedRing)
        let word = try memory.load(UInt64.self, at: element)
        seen &+= 1
        return Used(head: UInt32(truncatingIfNeeded: word), written: UInt32(truncatingIfNeeded: word >> 32))
    }

    /// Writes the flags of the available ring; 1 asks for no interrupt.
    package func setFlags(_ flags: UInt16) throws {
        try memory.storeReleasing(flags, at: layout.availableRing)
    }

    /// Writes the index at which an interrupt is wanted.
    package func setUsedEvent(_ event: UInt16) throws {
        try memory.storeReleasing(event, at: address(4 + 2 * UInt64(layout.size), past: layout.availableRing))
    }

    /// Asks for an interrupt for the next element and looks again (VIRTIO 1.2 §2.7.14).
    ///
    /// - Returns: whether there is one already.
    package func enableInterrupts() throws -> Bool {
        if features.contains(.eventIndex) {
            try setUsedEvent(seen)
        } else {
            try setFlags(0)
        }
        memory.fence()
        return try memory.loadAcquiring(at: address(2, past: layout.usedRing)) != seen
    }

    private func address(_ offset: UInt64, past start: GuestAddress) -> GuestAddress {
        GuestAddress(start.rawValue + offset)
    }
}
