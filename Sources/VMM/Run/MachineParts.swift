import DeviceModel
import KVM
import LinuxHost
import Synchronization
import SystemPackage

/// What all vCPUs of a machine have in common: its devices, the buses that lead to them, and how it ends.
final class MachineParts: Sendable {
    let host: MachineHost
    let kvm: KVMVirtualMachine
    let ports: Bus
    let mmio: Bus
    let gates: [ReportingGates]
    /// Whether the timer and the PICs are as a BIOS leaves them.
    let followsBIOS: Bool
    /// What the guest was loaded from.
    let image: ImageReader
    /// Nil for a guest that was not booted by one.
    let bios: MachineBIOS?
    let devices: [any MachineDevice]
    /// Nil where nobody looks.
    let screen: ScreenWatch?
    /// What of the devices' output vCPUs write out, each once.
    let outputs: [ConsoleOutput]
    let sleepWatch: SleepWatch
    private let msrTally = Mutex(UnmappedAccesses())
    let measuresExits: Bool
    /// Nil where nobody asks.
    let trace: ExitTrace?

    var control: MachineControl { host.control }

    /// Makes the devices of a plan, and puts each in its place.
    init(
        _ plan: MachinePlan, _ configuration: MachineConfiguration, _ host: MachineHost, image: ImageReader,
        kvm: consuming KVMVirtualMachine
    ) throws(VMMError) {
        var devices: [any MachineDevice] = []
        var (ports, memory): ([(BusRange, any BusDevice)], [(BusRange, any BusDevice)]) = ([], [])
        for (index, slot) in plan.devices.enumerated() {
            let device: any MachineDevice
            let number = index - MachinePlan.firstConfigured
            if configuration.devices.indices.contains(number) {
                device = try configuration.devices[number].description.makeDevice(slot, host)
            } else if slot.name == KeyboardDevice.name, plan.boot.protocol.hasBIOS || configuration.screen != nil {
                device = KeyboardDevice(host, hasBIOS: plan.boot.protocol.hasBIOS)
            } else if slot.name == VideoDevice.name, plan.boot.protocol.hasBIOS {
                device = VideoDevice(host, isShown: configuration.screen != nil)
            } else {
                device = try PlatformDevice.make(slot, host, vcpuCount: plan.vcpuCount)
            }
            devices.append(device)
            let bus = device.busDevice
            for (range, isPort) in slot.busRanges {
                if isPort { ports.append((range, bus)) } else { memory.append((range, bus)) }
            }
        }
        if let chip = host.interrupts.ioAPIC {
            memory.append((BusRange(start: HighMemory.ioAPIC, count: IOAPIC.size), chip))
        }
        do throws(BusError) {
            self.ports = try Bus(ports)
            mmio = try Bus(memory)
        } catch {
            // The plan has looked.
            throw .fault("two devices are at one place: \(error)")
        }
        self.devices = devices
        gates = plan.gates
        followsBIOS = plan.boot.protocol.followsBIOS
        self.image = image
        bios = MachineBIOS(plan, host, image, ports: self.ports, devices)
        screen = try configuration.screen.map { (screen) throws(VMMError) in try ScreenWatch(screen, host) }
        outputs = (devices.flatMap(\.outputs) + [screen?.output].compactMap(\.self)).reduce(into: []) { all, output in
            if !all.contains(where: { $0 === output }) { all.append(output) }
        }
        self.host = host
        self.kvm = kvm
        sleepWatch = SleepWatch(vcpuCount: plan.vcpuCount)
        measuresExits = configuration.measuresExits
        trace = configuration.trace
        if plan.rsdp != nil, let button = devices.lazy.compactMap({ $0.busDevice as? PowerManagement }).first {
            host.control.connect(powerButton: { [weak button] in button?.pressPowerButton() })
        }
    }

    /// By number: registers that KVM does not know, or that were to take a value which it refuses.
    var refusedMSRs: UnmappedAccesses { msrTally.withLock { $0 } }

    func countRefusedMSR(_ index: UInt32, isWrite: Bool) {
        msrTally.withLock { tally in
            if isWrite { tally.recordWrite(at: UInt64(index)) } else { tally.recordRead(at: UInt64(index)) }
        }
    }

    /// Writes all output that the guest has made. The machine's vCPUs run no more.
    func finishOutput(unless shouldGiveUp: (_ idle: Int64) -> Bool) -> ConsoleOutput.FlushResult {
        let isDrained = host.drain(devices) { shouldGiveUp(0) || failure != nil }
        if let failure { return .failed(failure) }
        for output in outputs {
            let result = output.flush(waits: true, unless: shouldGiveUp)
            guard result == .done else { return result }
        }
        return isDrained ? .done : .gaveUp
    }

    /// Why a device could not write its output, if that ended the run or came after its end.
    private var failure: Errno? {
        if case .failed(.output(let error)) = control.outcome { error } else { nil }
    }

    /// What someone outside asks for, if anything.
    func requestedStop(_ deadline: Deadline) -> StopReason? {
        if control.stopIsRequested { return .stopped }
        if let signal = StopSignals.caught { return .signal(signal) }
        return deadline.isOver ? .deadline : nil
    }
}

extension DeviceSlot {
    /// The slot's ranges as buses have them.
    fileprivate var busRanges: [(range: BusRange, isPort: Bool)] {
        let spans: [(start: UInt64, end: UInt64, isPort: Bool)] = ranges.map { range in
            switch range {
            case .ports(let ports): (UInt64(ports.lowerBound), UInt64(ports.upperBound), true)
            case .memory(let memory): (memory.lowerBound, memory.upperBound, false)
            }
        }
        let first = spans.first?.start ?? 0
        return spans.map { span in
            let range = BusRange(
                start: span.start, count: span.end &- span.start, deviceOffset: span.start &- first)
            return (range, span.isPort)
        }
    }
}
