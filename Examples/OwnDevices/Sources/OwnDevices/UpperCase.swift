import VMM

/// A virtio device: it answers each request with the same text in capitals.
final class UpperCase: CustomVirtioDevice {
    /// Called on a thread of the device's own. The answer could also be given later, by any thread.
    func handle(_ request: VirtioRequest) {
        let text = String(decoding: request.bytes, as: UTF8.self)
        request.complete(with: Array(text.uppercased().utf8))
    }

    /// A number that VIRTIO 1.2 §5 gives to no device.
    static let configuration = DeviceConfiguration.customVirtio(
        CustomVirtioConfiguration(name: "upper case", deviceID: 0x8000) { _ in UpperCase() })

    private static let text = Array("hello from a virtio device".utf8)

    /// What a driver writes to the device's registers (VIRTIO 1.2 §3.1.1, §4.2.2), each an offset and a value.
    private static let setUp: [(register: UInt32, value: UInt32)] = [
        (0x70, 1), (0x70, 3),  // Status: ACKNOWLEDGE, DRIVER
        (0x24, 1), (0x20, 1), (0x70, 11),  // the feature VIRTIO_F_VERSION_1; FEATURES_OK
        (0x30, 0), (0x38, 4),  // queue 0 has four entries,
        (0x80, 0x10_1000), (0x90, 0x10_2000), (0xA0, 0x10_3000), (0x44, 1),  // and is there
        (0x70, 15), (0x50, 0),  // DRIVER_OK; the doorbell: the image has a chain in the queue
    ]

    /// A flat protected-mode image, at 1 MiB. The first virtio device is at 0xD0000000.
    static var guest: [UInt8] {
        var image = Image(code: [
            0xBE, 0x00, 0x01, 0x10, 0x00, 0xAD, 0x89, 0xC1,  // mov $0x100100, %esi; lodsl; mov %eax, %ecx
            0xAD, 0x89, 0xC7, 0xA5, 0xE2, 0xFA,  // 1: lodsl; mov %eax, %edi; movsl; loop 1b
            0x66, 0x83, 0x3D, 0x02, 0x30, 0x10, 0x00, 0x01, 0x75, 0xF6,  // 2: cmpw $1, 0x103002 (used index); jne 2b
            0xBE, 0x00, 0x40, 0x10, 0x00, 0x8B, 0x0D, 0x08, 0x30, 0x10, 0x00,  // mov $0x104000, %esi; mov 0x103008
            0x66, 0xBA, 0xE9, 0x00, 0xF3, 0x6E,  // mov $0xE9, %dx; rep outsb (the debug console)
            0x66, 0xBA, 0x00, 0x05, 0x31, 0xC0, 0xEE,  // mov $0x500, %dx; xor %eax, %eax; out %al, %dx
        ])
        image.put(words: [UInt32(setUp.count)] + setUp.flatMap { [0xD000_0000 + $0.register, $0.value] }, at: 0x100)
        // Two descriptors: the text to read, and room to write (address, length, flags and next; VIRTIO 1.2 §2.7.5).
        image.put(words: [0x10_5000, 0, UInt32(text.count), 0x0001_0001], at: 0x1000)
        image.put(words: [0x10_4000, 0, 64, 2], at: 0x1010)
        image.put(words: [0x0001_0000], at: 0x2000)  // the available ring: flags 0, index 1, the chain at descriptor 0
        image.put(text, at: 0x5000)
        return image.bytes
    }
}
