/// The descriptor table of protected and long mode, with the descriptors that the segment registers hold at entry, so that
/// a guest can load the same selectors again (Intel SDM vol. 3A section 3.4.5, figure 3-8; section 8.2.3 for the TSS).
enum BootDescriptorTable {
    static let codeSelector: UInt16 = 0x10
    static let dataSelector: UInt16 = 0x18
    static let taskSelector: UInt16 = 0x20
    /// Offset of the last byte of a task-state segment without I/O permission bitmap, 32-bit and 64-bit alike.
    static let taskLimit: UInt16 = 0x67
    /// Offset of the table's last byte: null, unused, code, data, and a task descriptor of 16 bytes.
    static let limit: UInt16 = 6 * 8 - 1

    /// The table as 64-bit words.
    static func descriptors(for mode: CPUMode) -> [UInt64] {
        // Limit 0xFFFFF in pages, present, accessed; code is execute/read, data is read/write.
        let code: UInt64 = mode == .long ? 0x00AF_9B00_0000_FFFF : 0x00CF_9B00_0000_FFFF
        let data: UInt64 = 0x00CF_9300_0000_FFFF
        // Present, type 11 (busy); the base fits the descriptor's low part.
        let task = UInt64(taskLimit) | LowMemory.taskState << 16 | 0x8B << 40
        return [0, 0, code, data, task, 0]
    }
}
