import CKVM

/// What the CPUID instruction answers, leaf by leaf (Intel SDM vol. 2A, CPUID; Linux api.rst section 4.46).
public struct CPUID: Equatable, Sendable {
    public struct Leaf: Equatable, Sendable {
        /// EAX on entry.
        public var function: UInt32
        /// ECX on entry, where `dependsOnIndex`.
        public var index: UInt32
        public var dependsOnIndex: Bool
        public var eax: UInt32
        public var ebx: UInt32
        public var ecx: UInt32
        public var edx: UInt32

        public init(
            function: UInt32, index: UInt32 = 0, dependsOnIndex: Bool = false,
            eax: UInt32, ebx: UInt32, ecx: UInt32, edx: UInt32
        ) {
            (self.function, self.index, self.dependsOnIndex) = (function, index, dependsOnIndex)
            (self.eax, self.ebx, self.ecx, self.edx) = (eax, ebx, ecx, edx)
        }
    }

    public var leaves: [Leaf]

    public init(_ leaves: [Leaf]) {
        self.leaves = leaves
    }

    public subscript(function: UInt32) -> Leaf? {
        leaves.first { $0.function == function }
    }

    /// How many bits a guest-physical address has (leaf 0x8000_0008, EAX bits 7 to 0; 36 where the leaf is missing).
    public var physicalAddressBits: Int {
        guard let leaf = self[0x8000_0008], leaf.eax & 0xFF != 0 else { return 36 }
        return Int(leaf.eax & 0xFF)
    }
}

extension CPUID.Leaf {
    init(_ c: kvm_cpuid_entry2) {
        self.init(
            function: c.function, index: c.index, dependsOnIndex: c.flags & CPUID.significantIndex != 0,
            eax: c.eax, ebx: c.ebx, ecx: c.ecx, edx: c.edx)
    }

    var c: kvm_cpuid_entry2 {
        var c = kvm_cpuid_entry2()
        c.function = function
        c.index = index
        c.flags = dependsOnIndex ? CPUID.significantIndex : 0
        (c.eax, c.ebx, c.ecx, c.edx) = (eax, ebx, ecx, edx)
        return c
    }
}

extension CPUID {
    /// KVM_CPUID_FLAG_SIGNIFCANT_INDEX
    fileprivate static let significantIndex: UInt32 = 1
}
