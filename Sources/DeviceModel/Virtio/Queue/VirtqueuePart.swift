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
