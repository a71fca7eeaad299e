import DeviceModel

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
