/// A line of the memory map that a guest is given (ACPI 6.5 section 15, table 15.4).
struct E820Entry: Equatable, Sendable {
    enum Kind: UInt32, Sendable {
        case usable = 1
        case reserved = 2
    }

    let start: UInt64
    /// The first address behind it.
    let end: UInt64
    let kind: Kind
}

extension MemoryMap {
    /// What a guest is told about its memory.
    var e820: [E820Entry] {
        ranges.filter { $0.kind != .untold }.map {
            E820Entry(start: $0.start, end: $0.end, kind: $0.kind == .usable ? .usable : .reserved)
        }
    }
}
