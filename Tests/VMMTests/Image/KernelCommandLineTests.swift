import LinuxHost
import Testing

@testable import VMM

@Suite("A guest's command line")
struct KernelCommandLineTests {
    private static let linux = BootProtocol.linux(LinuxKernel(vmlinux: 0x100_0000, is64Bit: true))
    private static let uart = DeviceSlot(name: "serial", kind: .uart, ranges: [.ports(0x3F8..<0x400)], gsi: 4)
    private static let virtio = DeviceSlot(
        name: "disk0", kind: .virtio(deviceID: 2), ranges: [.memory(0xD000_0000..<0xD000_1000)], gsi: 5)

    @Test("an image that is not Linux is told where its virtio devices are, behind what a person gave")
    func virtioWords() {
        let boot = BootProtocol.longMode(entry: 0x10_0000)
        #expect(KernelCommandLine.text("a b", boot, [Self.uart]) == "a b")
        #expect(KernelCommandLine.text("", boot, [Self.virtio]) == "virtio_mmio.device=4K@0xd0000000:5")
        #expect(KernelCommandLine.text("a", boot, [Self.virtio]) == "a virtio_mmio.device=4K@0xd0000000:5")
    }

    @Test("Linux is told to speak by the serial port, and to end where it panics; it learns of devices by ACPI")
    func linuxDefaults() {
        #expect(KernelCommandLine.text("", Self.linux, [Self.uart, Self.virtio]) == "console=ttyS0 panic=-1")
        #expect(KernelCommandLine.text("quiet", Self.linux, [Self.uart]) == "console=ttyS0 panic=-1 quiet")
    }

    @Test("by the paravirtual console as well, and as /dev/console, where someone talks to that")
    func paravirtualConsole() {
        #expect(
            KernelCommandLine.text("", Self.linux, [Self.uart], inputGoesToVirtio: true)
                == "console=ttyS0 console=hvc0 panic=-1")
        #expect(KernelCommandLine.text("", Self.linux, [], inputGoesToVirtio: true) == "console=hvc0 panic=-1")
    }

    @Test("what a person says of consoles and panics stands alone")
    func ownWords() {
        #expect(
            KernelCommandLine.text("console=ttyS1,9600 panic=5", Self.linux, [Self.uart])
                == "console=ttyS1,9600 panic=5")
        // Words that only begin alike are others.
        #expect(
            KernelCommandLine.text("consoleblank=0", Self.linux, [Self.uart])
                == "console=ttyS0 panic=-1 consoleblank=0")
    }
}
