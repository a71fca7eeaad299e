/// A tally of accesses that no device answered, bounded so that a guest cannot make it grow without end.
public struct UnmappedAccesses: Equatable, Sendable {
    /// How often one address was accessed.
    public struct Count: Equatable, Sendable {
        /// Reads, answered with all ones.
        public internal(set) var reads: UInt64 = 0
        /// Writes, dropped.
        public internal(set) var writes: UInt64 = 0
    }

    /// How many distinct addresses are kept.
    public static let addressLimit = 256

    /// The first ``addressLimit`` addresses without a device and how often each was accessed.
    public private(set) var byAddress: [UInt64: Count] = [:]
    /// Accesses to all further addresses together.
    public private(set) var others = Count()

    package init() {}

    package mutating func recordRead(at address: UInt64) {
        if isKept(address) {
            byAddress[address, default: Count()].reads &+= 1
        } else {
            others.reads &+= 1
        }
    }

    package mutating func recordWrite(at address: UInt64) {
        if isKept(address) {
            byAddress[address, default: Count()].writes &+= 1
        } else {
            others.writes &+= 1
        }
    }

    private func isKept(_ address: UInt64) -> Bool {
        byAddress.count < Self.addressLimit || byAddress[address] != nil
    }
}
