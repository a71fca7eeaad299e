import DeviceModel
import Testing

@testable import VMM

@Suite("The plan of a machine")
struct MachinePlanTests {
    private static let limits = HostLimits(physicalAddressBits: 46, vcpuCount: 8)

    private static func plan(
        _ image: [UInt8] = [0xF4], mode: CPUMode = .long, limits: HostLimits = limits,
        _ configure: (inout MachineConfiguration) -> Void = { _ in }
    ) throws(VMMError) -> MachinePlan {
        var configuration = MachineConfiguration(image: .bytes(image))
        configure(&configuration)
        let inspection = try ImageInspection(
            .bytes(image), mode: mode, memorySize: configuration.memorySize)
        return try MachinePlan(configuration, image: inspection, host: limits)
    }

    @Test("it is a value that depends on nothing but what it is made of")
    func value() throws {
        #expect(try Self.plan() == Self.plan())
        #expect(try Self.plan() != Self.plan { $0.memorySize = 128 << 20 })
        #expect(try Self.plan() != Self.plan { $0.commandLine = "x" })
        #expect(try Self.plan() != Self.plan(mode: .protected))
    }

    @Test("every machine has the platform, then its devices in the configuration's order, each with a place of its own")
    func devices() throws {
        let plan = try Self.plan {
            $0.devices += [
                .entropy(EntropyConfiguration()), .uart(UARTConfiguration(port: .com2)),
                .disk(DiskConfiguration(path: "a")), .disk(DiskConfiguration(path: "b")),
                .virtioConsole(VirtioConsoleConfiguration()),
            ]
        }
        let own = plan.devices.dropFirst(MachinePlan.platform.count)
        #expect(Array(plan.devices.prefix(MachinePlan.platform.count)) == MachinePlan.platform)
        #expect(
            Array(own) == [
                DeviceSlot(name: "uart", kind: .uart, ranges: [.ports(0x3F8..<0x400)], gsi: 4),
                DeviceSlot(
                    name: "rng0", kind: .virtio(deviceID: 4), ranges: [.memory(0xD000_0000..<0xD000_1000)], gsi: 5),
                DeviceSlot(name: "uart2", kind: .uart, ranges: [.ports(0x2F8..<0x300)], gsi: 3),
                DeviceSlot(
                    name: "disk0", kind: .virtio(deviceID: 2), ranges: [.memory(0xD000_1000..<0xD000_2000)], gsi: 6),
                DeviceSlot(
                    name: "disk1", kind: .virtio(deviceID: 2), ranges: [.memory(0xD000_2000..<0xD000_3000)], gsi: 7),
                DeviceSlot(
                    name: "virtio-console", kind: .virtio(deviceID: 3),
                    ranges: [.memory(0xD000_3000..<0xD000_4000)], gsi: 10),
            ])
    }

    @Test("the command line tells where the virtio devices are, behind what was given")
    func commandLine() throws {
        func text(_ configure: (inout MachineConfiguration) -> Void) throws -> String? {
            let plan = try Self.plan([0xF4], configure)
            guard case .bytes(let bytes)? = plan.boot.pieces.first(where: { $0.name == "command line" })?.content else {
                return nil
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(try text { _ in } == "")
        #expect(try text { $0.commandLine = "a b" } == "a b")
        #expect(
            try text {
                $0.commandLine = "a"
                $0.devices += [.entropy(EntropyConfiguration()), .virtioConsole(VirtioConsoleConfiguration())]
            } == "a virtio_mmio.device=4K@0xd0000000:5 virtio_mmio.device=4K@0xd0001000:6")
    }

    @Test("every byte that is placed is a piece of it, and none lies over another or outside RAM")
    func pieces() throws {
        for mode in CPUMode.allCases {
            let plan = try Self.plan([1, 2, 3], mode: mode)
            let names = plan.boot.pieces.map(\.name)
            let gates = ["interrupt table", "interrupt stubs"]
            switch mode {
            case .real: #expect(names == ["contents"] + gates)
            case .protected: #expect(names == ["contents", "descriptor table", "task-state segment"] + gates)
            case .long:
                #expect(
                    names == [
                        "contents", "descriptor table", "task-state segment", "page tables", "boot parameters",
                        "command line",
                    ] + gates)
            }
            let spans = plan.boot.pieces.filter { $0.memorySize > 0 }
                .map { ($0.address, $0.address + $0.memorySize) }.sorted { $0.0 < $1.0 }
            for (lower, higher) in zip(spans, spans.dropFirst()) { #expect(lower.1 <= higher.0) }
            for (start, end) in spans {
                #expect(plan.memory.regions.contains { $0.contains(GuestAddress(start), count: end - start) })
            }
            #expect(plan.boot.protocol.mode == mode)
        }
    }

    @Test("the boot protocol decides the interrupt controllers unless they are asked for, and never leaves them open")
    func controllers() throws {
        #expect(try Self.plan().interrupts == .none)
        #expect(try Self.plan { $0.vcpuCount = 2 }.interrupts == .full)
        #expect(try Self.plan { $0.interruptControllers = .split }.interrupts == .split)
        #expect(throws: VMMError.self) {
            try Self.plan {
                $0.vcpuCount = 2
                $0.interruptControllers = .none
            }
        }
    }

    @Test("more vCPUs than the host or the processor has numbers for cannot be had", arguments: [0, -1, 9, 256, .max])
    func vcpus(count: Int) {
        #expect(throws: VMMError.self) { try Self.plan { $0.vcpuCount = count } }
        #expect(throws: VMMError.self) {
            try Self.plan(limits: HostLimits(physicalAddressBits: 46, vcpuCount: 0)) { $0.vcpuCount = 2 }
        }
    }

    @Test("a device in memory may begin where RAM ends and end where RAM begins, and not one byte further")
    func besideRAM() throws {
        func isRefused(_ range: Range<UInt64>, memory: UInt64) -> Bool {
            do throws(VMMError) {
                let plan = try Self.plan {
                    $0.memorySize = memory
                    $0.devices.append(
                        .custom(CustomDeviceConfiguration(name: "own", range: .memory(range)) { _ in POSTCode() }))
                }
                return plan.devices.last?.ranges != [.memory(range)]
            } catch {
                return true
            }
        }
        #expect(!isRefused(0x800_0000..<0x800_1000, memory: 128 << 20))
        #expect(isRefused(0x7FF_FFFF..<0x800_1000, memory: 128 << 20))
        #expect(!isRefused(0xFFFF_F000..<0x1_0000_0000, memory: 4 << 30))
        #expect(isRefused(0xFFFF_F000..<0x1_0000_0001, memory: 4 << 30))
        let kvm = HighMemory.reservedByKVM
        #expect(!isRefused(kvm.lowerBound - 16..<kvm.lowerBound, memory: 2 << 20))
        #expect(isRefused(kvm.lowerBound - 16..<kvm.lowerBound + 1, memory: 2 << 20))
        #expect(!isRefused(kvm.upperBound..<kvm.upperBound + 16, memory: 2 << 20))
        #expect(isRefused(kvm.upperBound - 1..<kvm.upperBound + 16, memory: 2 << 20))
    }

    @Test("no two slots of any combination of devices share an address or a line")
    func apart() throws {
        let kinds: [DeviceConfiguration] = [
            .uart(UARTConfiguration(port: .com2)), .virtioConsole(VirtioConsoleConfiguration()),
            .entropy(EntropyConfiguration()), .disk(DiskConfiguration(path: "a")),
            .custom(
                CustomDeviceConfiguration(name: "own", range: .ports(0x900..<0x910), wantsInterrupt: true) { _ in
                    POSTCode()
                }),
        ]
        for choice in 0..<32 {
            let plan = try Self.plan { configuration in
                configuration.devices += kinds.indices.filter { choice >> $0 & 1 != 0 }.map { kinds[$0] }
            }
            let lines = plan.devices.compactMap(\.gsi)
            #expect(Set(lines).count == lines.count)
            var ports = Set<UInt16>()
            var pages = Set<UInt64>()
            for range in plan.devices.flatMap(\.ranges) {
                switch range {
                case .ports(let range): for port in range { #expect(ports.insert(port).inserted) }
                case .memory(let range): #expect(pages.insert(range.lowerBound).inserted)
                }
            }
        }
    }
}
