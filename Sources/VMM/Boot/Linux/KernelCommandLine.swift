import DeviceModel

/// The command line that a guest is given.
enum KernelCommandLine {
    /// What a person gave, and what the guest could not know otherwise.
    ///
    /// - Parameters:
    ///   - devices: all of the machine.
    ///   - inputGoesToVirtio: whether a virtio-console has someone at its other end.
    static func text(
        _ given: String, _ boot: BootProtocol, _ devices: [DeviceSlot], inputGoesToVirtio: Bool = false
    ) -> String {
        var words = given.isEmpty ? [] : [given]
        if case .linux(let kernel) = boot {
            // One that takes none is not refused for words that nobody gave.
            guard kernel.commandLineLimit > 0 else { return given }
            words = defaults(given, devices, inputGoesToVirtio) + words
        } else {
            words += virtioWords(devices)
        }
        return words.isEmpty ? "" : words.joined(separator: " ")
    }

    /// Linux prints on a screen, and stays where it panicked, unless it is told otherwise. What a person gives comes behind, and wins.
    private static func defaults(
        _ given: String, _ devices: [DeviceSlot], _ inputGoesToVirtio: Bool
    ) -> [String] {
        let keys = Set(given.split(separator: " ").map { $0.prefix { $0 != "=" } })
        var words: [String] = []
        if !keys.contains("console") {
            // The last one that there is becomes /dev/console. A distribution's kernel has the virtio-console's driver in a module: until
            // that is loaded it speaks by the serial port.
            if devices.contains(where: { $0.kind == .uart }) { words.append("console=ttyS0") }
            if inputGoesToVirtio { words.append("console=hvc0") }
        }
        if !keys.contains("panic") { words.append("panic=-1") }
        return words
    }

    /// Where the virtio devices are, as a guest finds them by it (Linux, Documentation/admin-guide/kernel-parameters.txt,
    /// virtio_mmio.device). Linux itself reads it of ACPI.
    private static func virtioWords(_ devices: [DeviceSlot]) -> [String] {
        devices.compactMap { slot in
            guard case .virtio = slot.kind, case .memory(let range)? = slot.ranges.first, let gsi = slot.gsi else {
                return nil
            }
            return "virtio_mmio.device=4K@\(hex(range.lowerBound)):\(gsi)"
        }
    }
}
