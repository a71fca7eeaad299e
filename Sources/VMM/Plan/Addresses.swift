import DeviceModel
import KVM

/// What lies where in the first megabyte. The tables are there only where the boot protocol needs them; the guest's memory map
/// marks the first 64 KiB as reserved but for protocols whose tables are in the BIOS area.
enum LowMemory {
    static let descriptorTable: UInt64 = 0x1000
    static let interruptTable: UInt64 = 0x1400
    static let interruptStubs: UInt64 = 0x1600
    static let taskState: UInt64 = 0x2000
    /// Of the stack that long mode's exceptions come to; it is full at the task-state segment's end.
    static let exceptionStackTop: UInt64 = 0x3000
    static let bootParameters: UInt64 = 0x3000
    static let commandLine: UInt64 = 0x4000
    static let pageTables: UInt64 = 0x8000
    static let tablesEnd: UInt64 = 0x10000
    static let biosDataArea: UInt64 = 0x400
    /// The page of the real mode's vectors and of that area.
    static let biosData: Range<UInt64> = 0..<0x1000

    /// Where a real-mode image is loaded: the place of a boot sector.
    static let realModeImage: UInt64 = 0x7C00
    /// Top of the first stack in protected and long mode.
    static let stackTop: UInt64 = 0x80000
    /// What a PC keeps for its BIOS: the extended data area, the place of adapters, of which a guest is told nothing, and the BIOS's own.
    static let biosArea: Range<UInt64> = 0x9FC00..<0x100000
    static let adapters: Range<UInt64> = 0xA0000..<0xE0000
    /// In it, where a guest looks for them: ACPI's tables, the first of them at the start, and Intel's MP table.
    static let acpi: Range<UInt64> = 0xE1000..<mpTable
    static let mpTable: UInt64 = 0xF0000
    /// Part of it, for what a machine places there where its guest may have all other memory: nothing of the image can be here.
    static let biosTables: Range<UInt64> = 0xE0000..<0xE1000
    static let biosDescriptorTable: UInt64 = 0xE0000
    static let biosInterruptTable: UInt64 = 0xE0400
    static let biosInterruptStubs: UInt64 = 0xE0600
    static let biosTaskState: UInt64 = 0xE0800
    /// Of a PC's BIOS, and in it, behind Intel's table, what real mode's interrupt vectors lead to where there is none.
    static let biosSegment: UInt64 = 0xF0000
    static let realModeStubs: UInt64 = 0xF8000
    /// The text of a PC's screen (there is RAM).
    static let screen = ScreenImage.memory
    /// Where a flat protected- or long-mode image is loaded.
    static let flatImage: UInt64 = 0x100000
}

/// The rest of guest-physical memory.
enum HighMemory {
    /// How far the page tables of long mode map, from 0 on.
    static let mappedEnd: UInt64 = 4 << 30
    /// No RAM lies here.
    static let deviceHole: Range<UInt64> = 3 << 30..<4 << 30
    /// The most bits that any x86-64 processor's physical addresses have (AMD APM vol. 2 §5.1).
    static let widestAddress = 52
    /// What KVM takes for itself.
    static let reservedByKVM = KVMVirtualMachine.reservedPages

    /// The first virtio device's registers; the others' follow.
    static let firstVirtio: UInt64 = 0xD000_0000
    static let ioAPIC: UInt64 = 0xFEC0_0000
    static let localAPIC: UInt64 = 0xFEE0_0000
    /// Where there are interrupt controllers: what is here is theirs.
    static let interruptControllers: [Range<UInt64>] = [
        ioAPIC..<ioAPIC + 0x1000, localAPIC..<localAPIC + 0x1000,
    ]
}

/// I/O ports. Those of PCs are where PCs have them.
enum Ports {
    static let keyboardData: Range<UInt16> = 0x60..<0x61
    static let keyboardCommand: Range<UInt16> = 0x64..<0x65
    static let cmos: Range<UInt16> = 0x70..<0x72
    static let postCode: Range<UInt16> = 0x80..<0x81
    static let systemControl: Range<UInt16> = 0x92..<0x93
    /// The cathode ray tube controller's of a text screen: index and data, and its status.
    static let screenController: Range<UInt16> = 0x3D4..<0x3D6
    static let screenStatus: Range<UInt16> = 0x3DA..<0x3DB
    static let debugConsole: Range<UInt16> = 0xE9..<0xEA
    /// By which the code that an interrupt table leads to tells of a vector. No device: only a write from there counts.
    static let vectors: UInt16 = 0xEA
    static let debugExit: Range<UInt16> = 0xF4..<0xF8
    /// A VGA's registers.
    static let video: Range<UInt16> = 0x3C0..<0x3E0
    static let com2: Range<UInt16> = 0x2F8..<0x300
    static let com1: Range<UInt16> = 0x3F8..<0x400
    static let plainExit: Range<UInt16> = 0x500..<0x504
    static let panic: Range<UInt16> = 0x505..<0x506
    /// Of the hypercall doorbell, in 32 bits, and of fw_cfg, in 16 and 8.
    static let hypercall: Range<UInt16> = 0x510..<0x514
    static let powerManagement: Range<UInt16> = 0x600..<0x60C
    /// In 8 bits; the ports about it are the PCI bus's in 32.
    static let resetControl: UInt16 = 0xCF9
    static let pciConfiguration: Range<UInt16> = 0xCF8..<0xD00
    /// Of the PICs, their edge and level registers, and the 8254, which KVM answers itself where it has them.
    static let interruptControllers: [Range<UInt16>] = [0x20..<0x22, 0xA0..<0xA2, 0x4D0..<0x4D2, 0x40..<0x44]
}

/// Interrupt lines (global system interrupts).
enum GSI {
    static let keyboard: UInt32 = 1
    static let com2: UInt32 = 3
    static let com1: UInt32 = 4
    /// ACPI's, the system control interrupt.
    static let sci: UInt32 = 9
    /// Lines that no part of a PC has, for virtio devices and those of an embedder's own. 0, 2, 4, 8, 9 and 12 to 15 belong to one, and
    /// 3 to COM2.
    static let free: [UInt32] = [5, 6, 7, 10, 11] + Array(16..<24)
}
