/// What a virtio-console can do beyond one port of bytes (VIRTIO 1.2 §5.3.3).
extension VirtioFeatures {
    /// VIRTIO_CONSOLE_F_SIZE: the configuration has the console's size.
    package static let consoleSize = VirtioFeatures(rawValue: 1 << 0)
    /// VIRTIO_CONSOLE_F_MULTIPORT: there are control queues, and may be several ports.
    package static let consolePorts = VirtioFeatures(rawValue: 1 << 1)
    /// VIRTIO_CONSOLE_F_EMERG_WRITE: a byte written to the configuration is printed.
    package static let consoleEmergencyWrite = VirtioFeatures(rawValue: 1 << 2)
}
