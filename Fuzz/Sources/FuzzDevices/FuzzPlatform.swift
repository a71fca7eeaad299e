import DeviceModel

@testable import VMM

/// What every machine has, two serial ports and an I/O APIC, on buses as in a machine, without one.
struct FuzzPlatform {
    private static let outputLimit = 4_096

    /// Where devices begin, so that an input need not find that out.
    let portStarts: [UInt64]
    let memoryStarts = [HighMemory.ioAPIC]

    private let memory: GuestMemory
    private let output = ConsoleOutput(collectingUpTo: outputLimit)
    /// For the first serial port and the hypercall doorbell, and for the second port.
    private let inputs = [ConsoleInput(queueOf: 64), ConsoleInput(queueOf: 64)]
    private let host: MachineHost
    private let devices: [any MachineDevice]
    /// The second one, without what a machine adds to it, so that its host can be played.
    private let second: SerialPort
    private let firstLine: any InterruptLine
    private let ports: Bus
    private let mmio: Bus

    init() {
        do throws(VMMError) {
            memory = try GuestRAM(MemoryMap(size: 1 << 20, physicalAddressBits: 36)).memory
            host = try MachineHost(memory: memory, output: output, input: inputs[0])
            var slots = MachinePlan.platform
            var devices: [any MachineDevice] = []
            for slot in slots { devices.append(try PlatformDevice.make(slot, host, vcpuCount: 3)) }
            let uart = UARTConfiguration()
            var allocator = SlotAllocator()
            slots.append(try allocator.place(uart.slotRequest))
            devices.append(try uart.makeDevice(slots[slots.count - 1], host))
            self.devices = devices
            let chip = IOAPIC(sink: CheckedMessages())
            firstLine = chip.line(pin: Int(GSI.com1))
            second = SerialPort(
                output: ConsoleChannel(to: output), input: inputs[1], interrupt: chip.line(pin: Int(GSI.com2)))
            var attached = zip(slots, devices).flatMap { slot, device in
                Self.ranges(of: slot).map { (range: $0, device: device.busDevice) }
            }
            attached.append((Self.range(UARTConfiguration.Port.com2.ports), second))
            portStarts = attached.map(\.range.start).sorted()
            ports = try Self.bus(attached)
            mmio = try Self.bus([(BusRange(start: HighMemory.ioAPIC, count: IOAPIC.size), chip)])
        } catch {
            preconditionFailure("no platform: \(error)")
        }
    }

    private static func bus(_ devices: [(range: BusRange, device: any BusDevice)]) throws(VMMError) -> Bus {
        do throws(BusError) { return try Bus(devices) } catch { throw .fault("\(error)") }
    }

    private static func range(_ ports: Range<UInt16>, from first: UInt64? = nil) -> BusRange {
        let start = UInt64(ports.lowerBound)
        return BusRange(start: start, count: UInt64(ports.count), deviceOffset: start - (first ?? start))
    }

    /// A device's offsets count from the start of its first range.
    private static func ranges(of slot: DeviceSlot) -> [BusRange] {
        let ports = slot.ranges.compactMap { if case .ports(let ports) = $0 { ports } else { nil } }
        return ports.map { range($0, from: ports.first.map { UInt64($0.lowerBound) }) }
    }

    func read(at address: UInt64, width: Int, isMemory: Bool) {
        let value = (isMemory ? mmio : ports).read(at: address, width: width)
        precondition(width == 8 || value >> UInt64(width * 8) == 0)
        followLine()
    }

    func write(at address: UInt64, width: Int, value: UInt64, isMemory: Bool) {
        switch (isMemory ? mmio : ports).write(at: address, width: width, value: value) {
        case .none: break
        case .wait(let wait): finish(wait)
        // There is no ring.
        case .outputMayWait: preconditionFailure("output cannot wait")
        }
        followLine()
    }

    /// The guest puts a request into memory, if there is any, and rings.
    func ring(at address: UInt64, request: [UInt8]) {
        try? memory.write(request.span, at: GuestAddress(address))
        write(at: UInt64(Ports.hypercall.lowerBound), width: 4, value: address, isMemory: false)
    }

    private func finish(_ wait: HypercallWait) {
        wait.finish(in: memory, hasInput: wait.nanoseconds & 1 != 0, hasInterrupt: wait.nanoseconds & 2 != 0)
    }

    func pressPowerButton() {
        for case let button as PowerManagement in devices.map(\.busDevice) { button.pressPowerButton() }
        followLine()
    }

    /// So many bytes come on a line, and the second port is told, as for a guest that waits for an interrupt.
    func bring(_ count: UInt8, toSecond isSecond: Bool) {
        let input = inputs[isSecond ? 1 : 0]
        _ = input.append((0..<count).map { $0 })
        precondition(input.unreadCount <= 64)
        guard isSecond else { return }
        let hadRoom = second.pullInput {} > 0
        precondition(!hadRoom || input.unreadCount == 0)
    }

    /// The first port's line leads to the I/O APIC, as in a machine.
    private func followLine() { firstLine.setLevel(host.interrupts.isHigh) }

    /// The end of the run: what was printed has a bound, and so has the report, which is made of what the guest did.
    func finish() {
        _ = output.flush { _ in true }
        precondition(output.collected.count <= Self.outputLimit)
        for device in devices { precondition(device.end() == 0) }
        var report = RunReport()
        report.add(devices.map(\.report))
        report.add(unmappedPorts: ports.unmapped, memory: mmio.unmapped)
        precondition(report.devices.count == devices.count)
        precondition(report.unmappedPorts.count <= 257 && report.unmappedMemory.count <= 257)
    }
}
