import DeviceModel
import LinuxHost

@testable import VMM

/// A virtio-console with its loops, without a machine.
final class VirtioConsoleHost {
    let host: MachineHost
    let device: VirtioDevice
    let console: VirtioConsole

    init(_ configuration: VirtioConsoleConfiguration, memory: GuestMemory, output: ConsoleOutput) throws {
        let host = try MachineHost(memory: memory, output: output)
        self.host = host
        let console = try VirtioConsole(configuration, host, doorbell: nil)
        self.console = console
        let slot = DeviceSlot(name: "virtio-console", kind: .virtio(deviceID: 3), ranges: [.memory(0..<0x1000)], gsi: 5)
        device = try VirtioDevice(slot, host) { _ throws(HostError) in console }
        try device.begin()
        try host.loops.start {}
    }

    /// - Returns: how much output nobody took.
    func end() -> UInt64 {
        host.loops.end()
        return device.end()
    }

    func finish(unless shouldGiveUp: () -> Bool) -> (isIdle: Bool, abandoned: UInt64) {
        let isIdle = host.drain([device], unless: shouldGiveUp)
        return (isIdle, end())
    }
}
