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

/// The three parts of a split virtqueue (VIRTIO 1.2 §2.7).
public enum VirtqueuePart: CaseIterable, Sendable, CustomStringConvertible {
    /// The descriptors, in the descriptor area: the driver writes it.
    case descriptorTable
    /// What the driver offers, in the driver area: the driver writes it.
    case availableRing
    /// What the device has done with, in the device area: the device writes it.
    case usedRing

    /// What its address must be a multiple of, in bytes (VIRTIO 1.2 §2.7).
    public var alignment: UInt64 {
        switch self {
        case .descriptorTable: 16
        case .availableRing: 2
        case .usedRing: 4
        }
    }

    /// How long it is, in bytes, with so many entries; the rings' event index is counted whether or not it is in use
    /// (VIRTIO 1.2 §2.7).
    public func byteCount(size: UInt16) -> UInt64 {
        switch self {
        case .descriptorTable: 16 &* UInt64(size)
        case .availableRing: 6 &+ 2 &* UInt64(size)
        case .usedRing: 6 &+ 8 &* UInt64(size)
        }
    }

    /// Its name in the specification.
    public var description: String {
        switch self {
        case .descriptorTable: "descriptor table"
        case .availableRing: "available ring"
        case .usedRing: "used ring"
        }
    }
}

/// How far a device has come with a virtqueue. Both numbers wrap at 65,536 and are not reduced to the queue's size.
public struct VirtqueuePosition: Hashable, Sendable {
    /// The index in the available ring of the chain that is taken next.
    public var available: UInt16
    /// The index in the used ring that was last made known to the driver.
    public var used: UInt16

    /// Where a queue begins (VIRTIO 1.2 §2.7.6, §2.7.8), or where one goes on that was saved.
    public init(available: UInt16 = 0, used: UInt16 = 0) {
        self.available = available
        self.used = used
    }
}

/// The features that change how a split virtqueue works, at their places among the feature bits (VIRTIO 1.2 §6).
public struct VirtqueueFeatures: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64

    /// Takes all feature bits that were negotiated; those that have nothing to do with a virtqueue do nothing.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// VIRTIO_F_INDIRECT_DESC: a descriptor may refer to a table of descriptors (VIRTIO 1.2 §2.7.5.3).
    public static let indirectDescriptors = VirtqueueFeatures(rawValue: 1 << 28)
    /// VIRTIO_F_EVENT_IDX: each side says at which index it wants a notification (VIRTIO 1.2 §2.7.7, §2.7.10).
    public static let eventIndex = VirtqueueFeatures(rawValue: 1 << 29)
}
