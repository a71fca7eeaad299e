import DeviceModel

/// The tables that a guest finds when it is entered in protected or long mode.
enum BootTables {
    /// - Parameter free: room for those that have no place of their own.
    /// - Throws: `VMMError.configuration` for what the guest cannot be told.
    static func pieces(
        for boot: BootProtocol, _ information: BootInformation, _ free: inout FreeMemory
    ) throws(VMMError) -> [BootPlan.Piece] {
        switch boot {
        case .realMode, .protectedMode:
            // These are told nothing; what nobody could be told is wrong all the same.
            _ = try BootParameters(information)
            return boot.mode == .real ? [] : segments(boot)
        case .bootSector:
            _ = try BootParameters(information)
            return BootSector.pieces
        case .longMode:
            return segments(boot) + [pageTables] + parameters(try BootParameters(information))
        case .linux(let kernel):
            return segments(boot) + (kernel.is64Bit ? [pageTables] : [])
                + parameters(try BootParameters(information, kernel: kernel))
        case .multiboot1(let kernel):
            return segments(boot) + (try MultibootInformation.pieces(kernel, information, &free))
        case .multiboot2(let kernel):
            return segments(boot) + (try Multiboot2Information.pieces(kernel, information, &free))
        case .pvh:
            return segments(boot) + (try PVHStartInformation.pieces(information, &free))
        }
    }

    /// What the segment registers were loaded from.
    private static func segments(_ boot: BootProtocol) -> [BootPlan.Piece] {
        let places = boot.segmentTables
        return [
            BootPlan.Piece(
                name: "descriptor table",
                bytes: bytes(
                    BootDescriptorTable.descriptors(
                        for: boot.mode, task: places.task, kernel: places.task == LowMemory.biosTaskState)),
                at: places.descriptors),
            BootPlan.Piece(
                name: "task-state segment", bytes: BootDescriptorTable.taskState(for: boot.mode), at: places.task),
        ]
    }

    private static var pageTables: BootPlan.Piece {
        BootPlan.Piece(name: "page tables", bytes: bytes(BootPageTables.words), at: LowMemory.pageTables)
    }

    private static func parameters(_ parameters: BootParameters) -> [BootPlan.Piece] {
        [
            BootPlan.Piece(name: "boot parameters", bytes: parameters.bytes, at: LowMemory.bootParameters),
            BootPlan.Piece(name: "command line", bytes: parameters.commandLine, at: LowMemory.commandLine),
        ]
    }

    /// As this machine has them: the lowest byte first.
    private static func bytes(_ words: [UInt64]) -> [UInt8] {
        // SAFETY: the raw bytes of integers have no padding; they are copied within the call.
        unsafe words.withUnsafeBytes { unsafe Array($0) }
    }
}

/// The descriptor table of protected and long mode, with the descriptors that the segment registers hold at entry, so that
/// a guest can load the same selectors again (Intel SDM vol. 3A section 3.4.5, figure 3-8; section 8.2.3 for the TSS).
enum BootDescriptorTable {
    static let codeSelector: UInt16 = 0x10
    static let dataSelector: UInt16 = 0x18
    /// Code too, and what gates lead to: a guest's own table has its code at 0x08 most often, or at 0x10.
    static let gateSelector: UInt16 = 0x08
    /// What Multiboot's and PVH's kernels are entered with. Their protocols leave it open; kernels that go on with the selectors they found
    /// know those of GRUB or QEMU, and in tables of their own most have code at 0x08 and data at 0x10.
    static let kernelCodeSelector: UInt16 = 0x08
    static let kernelDataSelector: UInt16 = 0x10
    static let taskSelector: UInt16 = 0x20
    /// Offset of the last byte of a task-state segment without I/O permission bitmap, 32-bit and 64-bit alike.
    static let taskLimit: UInt16 = 0x67
    /// Which of the task's interrupt stacks exceptions of long mode come to: one that is good where the guest's own is not.
    static let exceptionStack: UInt8 = 1
    /// Offset of the table's last byte: null, code, code, data, and a task descriptor of 16 bytes.
    static let limit: UInt16 = 6 * 8 - 1

    /// The table as 64-bit words.
    ///
    /// - Parameter kernel: whether it is for Multiboot's or PVH's entry.
    static func descriptors(
        for mode: CPUMode, task base: UInt64 = LowMemory.taskState, kernel: Bool = false
    ) -> [UInt64] {
        // Limit 0xFFFFF in pages, present, accessed; code is execute/read, data is read/write.
        let code: UInt64 = mode == .long ? 0x00AF_9B00_0000_FFFF : 0x00CF_9B00_0000_FFFF
        let data: UInt64 = 0x00CF_9300_0000_FFFF
        // Present, type 11 (busy); the base fits the descriptor's low part.
        let task = UInt64(taskLimit) | base << 16 | 0x8B << 40
        return [0, code, kernel ? data : code, data, task, 0]
    }

    /// Nothing but what says that there is no I/O permission bitmap, whose offset is the end of the segment (Intel SDM vol. 1 section
    /// 19.5.2), and in long mode the exception stack (vol. 3A figure 9-11).
    static func taskState(for mode: CPUMode) -> [UInt8] {
        var task = [UInt8](repeating: 0, count: Int(taskLimit) + 1)
        if mode == .long { task.storeLittleEndian(LowMemory.exceptionStackTop, at: 0x24) }
        task.storeLittleEndian(taskLimit + 1, at: 0x66)
        return task
    }
}

/// The page tables of long mode: the first 4 GiB mapped to themselves by 2 MiB pages, writable, and user at every level, so
/// that a guest can drop to ring 3 without building any (Intel SDM vol. 3A section 4.5).
enum BootPageTables {
    private static let present: UInt64 = 1 << 0
    private static let writable: UInt64 = 1 << 1
    private static let user: UInt64 = 1 << 2
    private static let largePage: UInt64 = 1 << 7

    /// All tables one after the other, from `LowMemory.pageTables` on: PML4, one page-directory-pointer table, and a page
    /// directory for each GiB.
    static var words: [UInt64] {
        let base = LowMemory.pageTables
        let flags = present | writable | user
        var words = [UInt64](repeating: 0, count: 6 * 512)
        words[0] = (base + 0x1000) | flags
        for gigabyte in 0..<4 {
            words[512 + gigabyte] = (base + 0x2000 + UInt64(gigabyte) * 0x1000) | flags
        }
        for page in 0..<4 * 512 {
            words[2 * 512 + page] = UInt64(page) << 21 | flags | largePage
        }
        return words
    }
}
