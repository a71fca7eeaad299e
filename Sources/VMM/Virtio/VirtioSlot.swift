import DeviceModel

/// A virtio device's place on the platform.
struct VirtioSlot {
    /// The first device's registers; the others' follow.
    private static let firstAddress: UInt64 = 0xD000_0000
    /// Lines that no part of a PC has. GSIs 0, 2, 4, 8, 9 and 12 to 15 belong to one.
    private static let lines: [UInt32] = [5, 6, 7, 10, 11] + Array(16..<24)

    /// Where the driver rings: QueueNotify (VIRTIO 1.2 §4.2.2).
    static let notifyOffset: UInt64 = 0x50

    let address: UInt64
    let gsi: UInt32

    static let console = VirtioSlot(0)

    private init(_ number: Int) {
        address = Self.firstAddress + UInt64(number) * VirtioMMIO.byteCount
        gsi = Self.lines[number]
    }

    /// How a guest finds it by its command line (Linux, Documentation/admin-guide/kernel-parameters.txt, virtio_mmio.device).
    var argument: String { "virtio_mmio.device=4K@0x\(String(address, radix: 16)):\(gsi)" }
}
