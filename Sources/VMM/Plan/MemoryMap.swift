import DeviceModel
import KVM

/// Where a machine's RAM lies: from 0 up to 3 GiB, and what is left from 4 GiB on, so that the gigabyte between is free for
/// devices.
struct RAMLayout: Equatable, Sendable {
    /// One piece of RAM. `offset` is its place in the memory that backs all of it, in bytes.
    struct Part: Equatable, Sendable {
        let start: GuestAddress
        let size: UInt64
        let offset: UInt64
    }

    static let pageSize: UInt64 = 4096
    static let smallest: UInt64 = 1 << 20
    static let deviceHole: Range<UInt64> = 3 << 30..<4 << 30
    /// The most bits that any x86-64 processor's physical addresses have (AMD APM vol. 2 §5.1).
    static let widestAddress = 52

    let size: UInt64
    let parts: [Part]

    /// - Parameters:
    ///   - size: in bytes.
    ///   - physicalAddressBits: how wide the guest's addresses are.
    init(size: UInt64, physicalAddressBits: Int) throws(VMMError) {
        guard size >= Self.smallest else {
            throw .configuration("\(size) bytes of memory are too few; a machine needs at least 1M")
        }
        guard size % Self.pageSize == 0 else {
            throw .configuration(
                "\(size) bytes of memory are not whole pages of 4096 bytes; use a suffix: K, M, G or T")
        }
        let low = min(size, Self.deviceHole.lowerBound)
        let high = size - low
        // The shift is safe: CPUID's number has eight bits, and more than 63 would only mean that all of them fit.
        let end = high == 0 ? low : Self.deviceHole.upperBound.addingReportingOverflow(high).partialValue
        guard physicalAddressBits > 63 || (end <= 1 << UInt64(physicalAddressBits) && end >= low) else {
            throw .configuration(
                "\(size) bytes of memory do not fit the guest's \(physicalAddressBits)-bit physical addresses; use less"
            )
        }
        self.size = size
        var parts = [Part(start: GuestAddress(0), size: low, offset: 0)]
        if high > 0 { parts.append(Part(start: GuestAddress(Self.deviceHole.upperBound), size: high, offset: low)) }
        self.parts = parts
    }

    /// The least RAM, in bytes, that holds the `count` bytes at a guest-physical address; nil where no amount does.
    static func size(holding start: UInt64, count: UInt64) -> UInt64? {
        let (end, wraps) = start.addingReportingOverflow(count)
        guard !wraps, end <= 1 << UInt64(widestAddress) else { return nil }
        let size: UInt64
        if end <= deviceHole.lowerBound {
            size = end
        } else if start >= deviceHole.upperBound {
            // The hole takes addresses, and no RAM.
            size = end &- (deviceHole.upperBound &- deviceHole.lowerBound)
        } else {
            return nil
        }
        // In whole pages. It cannot wrap: no more than 52 bits are in use.
        return max(smallest, (size &+ (pageSize &- 1)) & ~(pageSize &- 1))
    }

    /// What a guest is told about its memory.
    var e820: [E820Entry] {
        var map = [
            E820Entry(start: 0, end: LowMemory.tablesEnd, kind: .reserved),
            E820Entry(start: LowMemory.tablesEnd, end: LowMemory.biosArea.lowerBound, kind: .usable),
            E820Entry(start: LowMemory.biosArea.lowerBound, end: LowMemory.biosArea.upperBound, kind: .reserved),
        ]
        let low = min(size, Self.deviceHole.lowerBound)
        if low > LowMemory.biosArea.upperBound {
            map.append(E820Entry(start: LowMemory.biosArea.upperBound, end: low, kind: .usable))
        }
        let kvm = KVMVirtualMachine.reservedPages
        map.append(E820Entry(start: kvm.lowerBound, end: kvm.upperBound, kind: .reserved))
        for part in parts.dropFirst() {
            map.append(E820Entry(start: part.start.rawValue, end: part.start.rawValue &+ part.size, kind: .usable))
        }
        return map
    }
}

/// What lies where in the first megabyte. The tables are there only in the modes that need them; the guest's memory map
/// marks the first 64 KiB as reserved in any case.
enum LowMemory {
    static let descriptorTable: UInt64 = 0x1000
    static let taskState: UInt64 = 0x2000
    static let bootParameters: UInt64 = 0x3000
    static let commandLine: UInt64 = 0x4000
    static let pageTables: UInt64 = 0x8000
    static let tablesEnd: UInt64 = 0x10000

    /// Where a real-mode image is loaded: the place of a boot sector.
    static let realModeImage: UInt64 = 0x7C00
    /// Top of the first stack in protected and long mode.
    static let stackTop: UInt64 = 0x80000
    /// What a PC keeps for its BIOS: the extended data area and everything up to the first megabyte.
    static let biosArea: Range<UInt64> = 0x9FC00..<0x100000
    /// How far the page tables of long mode map, from 0 on.
    static let mappedEnd: UInt64 = 4 << 30
    /// Where a flat protected- or long-mode image is loaded.
    static let flatImage: UInt64 = 0x100000
}
