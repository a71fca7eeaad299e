import CKVM

/// A segment register with the descriptor that it caches (Intel SDM vol. 3A sections 3.4.3 and 3.4.5).
public struct Segment: Equatable, Sendable {
    public var selector: UInt16 = 0
    /// Linear address of its first byte.
    public var base: UInt64 = 0
    /// Offset of its last byte, in bytes whatever the granularity.
    public var limit: UInt32 = 0
    /// The descriptor's four type bits.
    public var type: UInt8 = 0
    /// P
    public var isPresent = false
    /// DPL, 0 to 3
    public var privilegeLevel: UInt8 = 0
    /// S: code or data, not a system segment.
    public var isCodeOrData = false
    /// D/B: 32-bit.
    public var is32Bit = false
    /// L: 64-bit code.
    public var isLong = false
    /// G: the descriptor counts pages.
    public var hasPageGranularity = false
    /// AVL
    public var isAvailable = false
    /// VT-x's own mark for a register that holds no segment.
    public var isUnusable = false

    public init() {}

    init(_ c: kvm_segment) {
        selector = c.selector
        base = c.base
        limit = c.limit
        type = c.type
        isPresent = c.present != 0
        privilegeLevel = c.dpl
        isCodeOrData = c.s != 0
        is32Bit = c.db != 0
        isLong = c.l != 0
        hasPageGranularity = c.g != 0
        isAvailable = c.avl != 0
        isUnusable = c.unusable != 0
    }

    var c: kvm_segment {
        kvm_segment(
            base: base, limit: limit, selector: selector, type: type, present: isPresent ? 1 : 0, dpl: privilegeLevel,
            db: is32Bit ? 1 : 0, s: isCodeOrData ? 1 : 0, l: isLong ? 1 : 0, g: hasPageGranularity ? 1 : 0,
            avl: isAvailable ? 1 : 0, unusable: isUnusable ? 1 : 0, padding: 0)
    }
}
