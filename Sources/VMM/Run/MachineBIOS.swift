import DeviceModel
import LinuxHost
import Synchronization

/// The BIOS of a machine that was booted by one.
///
/// Concurrency model: safe from any thread; calls of several vCPUs come one after the other.
final class MachineBIOS: Sendable {
    let code = BIOSCode(port: UInt8(truncatingIfNeeded: Ports.vectors))
    private let services: Mutex<BIOS>

    init?(
        _ plan: MachinePlan, _ host: MachineHost, _ image: ImageReader, ports: Bus, _ devices: [any MachineDevice]
    ) {
        guard plan.boot.protocol.hasBIOS, let video = devices.lazy.compactMap({ $0 as? VideoDevice }).first else {
            return nil
        }
        let drive = ImageDrive(image)
        let isFloppy = BootSector.isFloppy(image.size)
        let serial = [Ports.com1, Ports.com2].filter { range in
            plan.devices.contains { $0.kind == .uart && $0.ranges == [.ports(range)] }
        }
        let keyboard = devices.lazy.compactMap { $0 as? KeyboardDevice }.first
        let machine = BIOSMachine(
            memory: host.memory, ports: ports, console: video.teletype,
            hardDisks: (isFloppy ? [] : [drive]) + host.disks.withLock { $0 }, floppy: isFloppy ? drive : nil,
            memoryMap: plan.memory.e820.map {
                BIOSMachine.MemoryRange(start: $0.start, size: $0.end &- $0.start, kind: $0.kind.rawValue)
            },
            serialPorts: serial.map(\.lowerBound), now: { MonotonicClock.now },
            wantsKey: { [weak keyboard] in keyboard?.hasRoom() })
        services = Mutex(BIOS(machine))
    }

    /// Does what a routine of the BIOS' own asks for.
    func perform(_ call: BIOSCode.Call, _ registers: inout BIOSRegisters) -> BIOSOutcome {
        services.withLock { services in
            switch call {
            case .interrupt(let vector): return services.call(vector, &registers)
            case .goesOnWaiting: return services.goOnWaiting(&registers)
            case .start:
                services.start()
                registers = BIOSRegisters()
                // As other BIOSes have it.
                registers.eax = 0xAA55
                registers.edx = UInt32(services.bootDrive)
                return .done
            case .reset: return .reset
            }
        }
    }
}
