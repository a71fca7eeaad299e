import DeviceModel

/// The differentiated system description table: how the machine is switched off, and the devices that a guest could not find otherwise
/// (ACPI 6.5 section 5.2.11.1). The power button is fixed hardware, which the FADT tells of. Devices of an embedder's own are not in it.
struct DSDT {
    private let devices: [DeviceSlot]

    init(_ devices: [DeviceSlot]) { self.devices = devices }

    var bytes: [UInt8] {
        // The sleep type of soft off, for both PM1 control registers (section 7.4.2).
        let off = AML.integer(UInt64(SleepType.softOff))
        let powerOff = AML.name("_S5", AML.package([off, off, off, off]))
        var nodes: [UInt8] = []
        var (uarts, virtios) = (0, 0)
        for slot in devices {
            switch (slot.kind, slot.ranges.first) {
            case (.uart, .ports(let ports)):
                uarts += 1
                let resources: [ACPIResource] = [.ports(ports)] + (slot.gsi.map { [.irq($0)] } ?? [])
                nodes += Self.node(
                    "COM\(uarts)", AML.eisaID("PNP0501"), uniqueID: UInt64(ports == Ports.com1 ? 1 : 2), resources)
            case (.virtio, .memory(let range)):
                let number = String(virtios, radix: 16, uppercase: true)
                nodes += Self.node(
                    "VR" + (number.count == 1 ? "0" : "") + number, AML.string("LNRO0005"), uniqueID: UInt64(virtios),
                    [.memory(range)] + (slot.gsi.map { [.levelInterrupt($0)] } ?? []))
                virtios += 1
            case (.platform, .ports(Ports.cmos)):
                nodes += Self.node("RTC", AML.eisaID("PNP0B00"), [.ports(Ports.cmos)])
            case (.platform, .ports(Ports.panic)):
                nodes += Self.node("PEVT", AML.string("QEMU0001"), [.ports(Ports.panic)])
            default: break
            }
        }
        return ACPITable.bytes("DSDT", revision: 2, powerOff + AML.scope("_SB", nodes))
    }

    private static func node(
        _ name: String, _ hardwareID: [UInt8], uniqueID: UInt64? = nil, _ resources: [ACPIResource]
    ) -> [UInt8] {
        let unique = uniqueID.map { AML.name("_UID", AML.integer($0)) } ?? []
        return AML.device(name, AML.name("_HID", hardwareID) + unique + ACPIResource.settings(resources))
    }
}
