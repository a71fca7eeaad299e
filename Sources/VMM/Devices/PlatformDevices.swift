import DeviceModel
import Glibc
import LinuxHost

/// What every machine has: the devices for the slots of ``MachinePlan/platform``.
final class PlatformDevice: MachineDevice {
    let busDevice: any BusDevice
    private let completion: @Sendable (inout DeviceReport) -> Void
    private let name: String
    let outputs: [ConsoleOutput]

    private init(
        _ slot: DeviceSlot, _ device: any BusDevice, outputs: [ConsoleOutput] = [],
        report completion: @escaping @Sendable (inout DeviceReport) -> Void = { _ in }
    ) {
        name = slot.name
        busDevice = device
        self.outputs = outputs
        self.completion = completion
    }

    var report: DeviceReport {
        var report = DeviceReport(name: name)
        completion(&report)
        return report
    }

    static func make(_ slot: DeviceSlot, _ host: MachineHost, vcpuCount: Int) throws(VMMError) -> PlatformDevice {
        let events = host.events
        switch slot.name {
        case "keyboard": return PlatformDevice(slot, KeyboardController(events: events))
        case "cmos": return PlatformDevice(slot, CMOSClock(now: { Int64(time(nil)) }))
        case "post":
            let post = POSTCode()
            return PlatformDevice(slot, post) { $0.lastCode = post.last }
        case "systemControl": return PlatformDevice(slot, SystemControlPort(events: events))
        case "screen": return PlatformDevice(slot, host.screen)
        case "debug":
            let channel = ConsoleChannel(to: host.output)
            return PlatformDevice(slot, DebugConsole(output: channel), outputs: [host.output]) {
                $0.consoleBytes = channel.byteCount
            }
        case "debugExit": return PlatformDevice(slot, DebugExit(events: events))
        case "plainExit": return PlatformDevice(slot, PlainExit(events: events))
        case "hypercall":
            let channel = ConsoleChannel(to: host.output)
            let doorbell = HypercallDoorbell(
                memory: host.memory, output: channel, input: host.input, events: events)
            let ramSize = host.memory.regions.reduce(0) { $0 &+ $1.size }
            let ports = FirmwareConfiguration(ramSize: ramSize, cpuCount: vcpuCount, doorbell: doorbell)
            return PlatformDevice(slot, ports, outputs: [host.output]) {
                $0.consoleBytes = channel.byteCount
                $0.lostRequests = doorbell.lostRequestCount
            }
        case "panic": return PlatformDevice(slot, PanicPort(events: events))
        case "powerManagement":
            let start = MonotonicClock.now
            return PlatformDevice(
                slot,
                PowerManagement(events: events, interrupt: host.interrupts.line(gsi: GSI.sci)) {
                    MonotonicClock.now - start
                })
        case "pci": return PlatformDevice(slot, PCIConfiguration(events: events))
        default: throw .fault("no device is called \(slot.name)")
        }
    }
}
