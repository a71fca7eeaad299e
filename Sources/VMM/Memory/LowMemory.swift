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
