/// How large a split virtqueue is and where its parts lie, as the driver says (VIRTIO 1.2 §2.7).
///
/// Nothing is checked until a ``Virtqueue`` is made of it.
public struct VirtqueueLayout: Hashable, Sendable {
    /// The number of entries of each part: a power of two, at most 32,768.
    public var size: UInt32
    /// The address of the descriptor area.
    public var descriptorTable: GuestAddress
    /// The address of the driver area.
    public var availableRing: GuestAddress
    /// The address of the device area.
    public var usedRing: GuestAddress

    /// Any numbers make a layout, as a driver may write any to the registers of a transport.
    public init(size: UInt32, descriptorTable: GuestAddress, availableRing: GuestAddress, usedRing: GuestAddress) {
        self.size = size
        self.descriptorTable = descriptorTable
        self.availableRing = availableRing
        self.usedRing = usedRing
    }

    /// Where a part begins.
    public func address(of part: VirtqueuePart) -> GuestAddress {
        switch part {
        case .descriptorTable: descriptorTable
        case .availableRing: availableRing
        case .usedRing: usedRing
        }
    }

    /// The size as the 16 bits that it has, once the parts are as long as they must be and lie in RAM.
    ///
    /// What is checked here holds for good: neither the layout nor where RAM lies ever changes.
    func checkedSize(in memory: GuestMemory) throws(VirtqueueError) -> UInt16 {
        guard size <= 32_768, size.nonzeroBitCount == 1 else { throw .size(size) }
        let entries = UInt16(truncatingIfNeeded: size)
        for part in VirtqueuePart.allCases {
            let (start, count) = (address(of: part), part.byteCount(size: entries))
            guard start.rawValue & (part.alignment &- 1) == 0 else { throw .misaligned(part, start) }
            guard memory.contains(start, count: count) else {
                throw .ringNotInMemory(part, .outOfBounds(address: start, count: count))
            }
        }
        return entries
    }

    // Where things lie (VIRTIO 1.2 §2.7.6, §2.7.8). A part that was checked does not wrap; one that was not gives an address
    // that the gate refuses.
    var availableFlags: GuestAddress { availableRing }
    var availableIndex: GuestAddress { Self.address(2, past: availableRing) }
    var usedEvent: GuestAddress { availableEntry(truncatingSize) }
    var usedFlags: GuestAddress { usedRing }
    var usedIndex: GuestAddress { Self.address(2, past: usedRing) }
    var availableEvent: GuestAddress { usedElement(truncatingSize) }

    func availableEntry(_ slot: UInt16) -> GuestAddress {
        Self.address(4 &+ 2 &* UInt64(slot), past: availableRing)
    }

    func usedElement(_ slot: UInt16) -> GuestAddress {
        Self.address(4 &+ 8 &* UInt64(slot), past: usedRing)
    }

    private var truncatingSize: UInt16 { UInt16(truncatingIfNeeded: size) }

    private static func address(_ offset: UInt64, past start: GuestAddress) -> GuestAddress {
        GuestAddress(start.rawValue &+ offset)
    }
}
