import Glibc
import VMM

/// A guest, what it is given, and what must come of it.
public struct GuestRow: CustomStringConvertible, Sendable {
    public let name: String
    public var mode: CPUMode?
    public var memory: UInt64 = 64 << 20
    public var commandLine = ""
    public var interruptControllers = InterruptControllers.auto
    public var vcpuCount = 1
    public var input: [UInt8]?
    /// Nil for none; else whether it and the guest tell each other by event descriptors. The input is its own then.
    public var virtioConsoleUsesEvents: Bool?
    /// The virtio-console's ports beside the console, which take all and give nothing.
    public var virtioPorts: [String] = []
    /// Whether it has a virtio entropy device, and a second serial port, which gets the input then.
    public var hasEntropy = false
    public var hasSecondSerialPort = false
    /// Of a virtio disk, all zero, in 512-byte sectors; nil for none.
    public var diskSectors: Int?
    /// Files beside the image, with what the guest is told of each.
    public var modules: [(content: String, arguments: String)] = []
    public let output: String
    public let reason: StopReason
    /// Where it looks for what is not there.
    public var unmappedPorts: [String] = []
    public var unmappedMemory: [String] = []
    /// Model-specific registers that it is refused.
    public var refusedMSRs: [String] = []

    public var description: String {
        var text = "\(name), \(memory >> 20) MiB"
        if input != nil { text += ", with input" }
        if interruptControllers != .auto { text += ", \(interruptControllers) interrupt controllers" }
        if !commandLine.isEmpty { text += ", \(commandLine)" }
        if let virtioConsoleUsesEvents {
            text += ", a virtio-console" + (virtioConsoleUsesEvents ? "" : " without eventfds")
        }
        if !virtioPorts.isEmpty { text += " with \(virtioPorts.count) ports" }
        if hasEntropy { text += ", random bytes" }
        if hasSecondSerialPort { text += ", a second serial port" }
        if let diskSectors { text += ", a disk of \(diskSectors) sectors" }
        if vcpuCount > 1 { text += ", \(vcpuCount) vCPUs" }
        if !modules.isEmpty { text += ", \(modules.count) modules" }
        return text
    }

    /// Sets what it is given.
    public func configure(_ configuration: inout MachineConfiguration) {
        configuration.mode = mode
        configuration.memorySize = memory
        configuration.commandLine = commandLine
        configuration.interruptControllers = interruptControllers
        configuration.vcpuCount = vcpuCount
        configuration.modules = modules.map { BootModule(.bytes(Array($0.content.utf8)), arguments: $0.arguments) }
        let input = input.map { ConsoleInput($0) }
        if let virtioConsoleUsesEvents {
            configuration.devices.append(
                .virtioConsole(
                    VirtioConsoleConfiguration(
                        input: input, ports: virtioPorts.map { VirtioPortConfiguration(name: $0) })))
            configuration.usesEventFDs = virtioConsoleUsesEvents
        } else if !hasSecondSerialPort {
            configuration.input = input
        }
        if hasSecondSerialPort { configuration.devices.append(.uart(UARTConfiguration(port: .com2, input: input))) }
        if let diskSectors { configuration.devices.append(.disk(DiskConfiguration(path: Self.makeDisk(diskSectors)))) }
        if hasEntropy { configuration.devices.append(.entropy(EntropyConfiguration())) }
    }

    /// A file without a name, which is gone with the process.
    private static func makeDisk(_ sectors: Int) -> String {
        var name = Array("/tmp/guest-disk-XXXXXX".utf8CString)
        // SAFETY: the call replaces the last letters of the name in place.
        let descriptor = unsafe mkstemp(&name)
        unsafe unlink(name)
        ftruncate(descriptor, off_t(sectors * 512))
        return "/proc/self/fd/\(descriptor)"
    }
}

extension GuestRow {
    /// Every guest that ends by itself, as `guests/README.md` and the first lines of its source describe it.
    public static let all: [GuestRow] =
        [
            GuestRow(name: "real-hello.bin", output: "Hello from real mode!\n", reason: .halted),
            GuestRow(
                name: "real-hello.bin", mode: .real, memory: 1 << 20, output: "Hello from real mode!\n", reason: .halted
            ),
            GuestRow(
                name: "real-echo.bin", input: Array("some text\n".utf8) + [4], output: "some text\n", reason: .halted),
            GuestRow(name: "real-echo.bin", input: [4], output: "", reason: .halted),
            GuestRow(name: "real-outsb.bin", output: "Hello from REP OUTSB!\n", reason: .halted),
            GuestRow(name: "real-insb.bin", output: "REP INSB: 16 bytes, all 0xe9\n", reason: .halted),
            GuestRow(name: "real-hypercall-hello.bin", output: "Hello by hypercall!\n", reason: .exited(status: 0)),
            GuestRow(name: "real-exit.bin", output: "", reason: .exited(status: 42)),
            GuestRow(name: "real-a20.bin", memory: 2 << 20, output: "A20 is on\n", reason: .halted),
            GuestRow(
                name: "real-uart-selftest.bin", output: "16550A: every check passed\n", reason: .exited(status: 0)),
            // What comes on the line is not in its way.
            GuestRow(
                name: "real-uart-selftest.bin", input: Array("some text\n".utf8),
                output: "16550A: every check passed\n",
                reason: .exited(status: 0)),
            GuestRow(
                name: "protected-hello.bin", mode: .protected, output: "Hello from protected mode!\n", reason: .halted),
            GuestRow(name: "long-hello.bin", mode: .long, output: "Hello from long mode!\n", reason: .halted),
            GuestRow(
                name: "long-hello.bin", mode: .long, memory: 2 << 20, output: "Hello from long mode!\n", reason: .halted
            ),
            GuestRow(name: "long-hello.elf", output: "Hello from long mode!\n", reason: .halted),
            GuestRow(
                name: "long-args.elf", commandLine: "hello guest",
                output: """
                    command line: hello guest
                    e820: 0x0000000000000000-0x000000000000ffff reserved
                    e820: 0x0000000000010000-0x000000000009fbff usable
                    e820: 0x000000000009fc00-0x000000000009ffff reserved
                    e820: 0x00000000000e0000-0x00000000000fffff reserved
                    e820: 0x0000000000100000-0x0000000003ffffff usable
                    e820: 0x00000000fffbc000-0x00000000fffbffff reserved

                    """,
                reason: .exited(status: 0)),
            GuestRow(
                name: "long-exceptions.elf",
                output: """
                    caught #DE (vector 0)
                    caught #UD (vector 6)
                    caught #PF (vector 14), error 0x0, address 0x123456789abc
                    caught #PF (vector 14), error 0x2, address 0x123456789abc
                    caught #GP (vector 13), error 0x0
                    caught #GP (vector 13), error 0xf8

                    """,
                reason: .exited(status: 0)),
            GuestRow(
                name: "long-msr.elf",
                output: """
                    RDMSR 0xbadc0de: #GP, error 0x0
                    WRMSR 0xbadc0de: #GP, error 0x0
                    WRMSR 0xc0000080: #GP, error 0x0
                    RDMSR 0xc0000080: long mode is active

                    """,
                reason: .exited(status: 0), refusedMSRs: ["0xbadc0de", "0xc0000080"]),
            GuestRow(
                name: "long-ring3.elf",
                output: """
                    ring 0: privilege level 0
                    ring 3: privilege level 3
                    ring 3: 9592 primes below 100000

                    """,
                reason: .exited(status: 0)),
            // What is usable: 588,800 bytes from 0x10000 to 0x9FC00, and all from 1 MiB on.
            GuestRow(
                name: "long-memory.elf", memory: 2 << 20, output: "memory: 1637376 bytes in 2 regions verified\n",
                reason: .exited(status: 0)),
            GuestRow(
                name: "long-memory.elf", output: "memory: 66649088 bytes in 2 regions verified\n",
                reason: .exited(status: 0)),
            GuestRow(
                name: "long-memory.elf", memory: 3 << 30, output: "memory: 3220765696 bytes in 2 regions verified\n",
                reason: .exited(status: 0)),
            GuestRow(
                name: "long-memory.elf", memory: 5 << 30, output: "memory: 5368249344 bytes in 3 regions verified\n",
                reason: .exited(status: 0)),
            GuestRow(
                name: "long-timer.elf", interruptControllers: .full,
                output: "PIT: 10 interrupts\nlocal APIC timer: 10 interrupts\n", reason: .exited(status: 0)),
            GuestRow(
                name: "long-uart-irq.elf", interruptControllers: .full,
                input: Array("by interrupts alone\n".utf8) + [4],
                output: "by interrupts alone\n", reason: .exited(status: 0)),
            GuestRow(
                name: "long-cpus.elf", commandLine: "1", interruptControllers: .full,
                output: "vCPU 0\n1 vCPUs are asleep\n", reason: .halted),
            GuestRow(
                name: "long-cpus.elf", commandLine: "3", vcpuCount: 3,
                output: "vCPU 0\nvCPU 1\nvCPU 2\n3 vCPUs are asleep\n", reason: .halted),
            GuestRow(
                name: "long-cpus.elf", commandLine: "2", interruptControllers: .split, vcpuCount: 2,
                output: "vCPU 0\nvCPU 1\n2 vCPUs are asleep\n", reason: .halted),
            GuestRow(
                name: "long-uart-irq.elf", interruptControllers: .split, input: Array("by messages\n".utf8) + [4],
                output: "by messages\n", reason: .exited(status: 0), unmappedPorts: ["0x21"]),
            GuestRow(
                name: "long-uart-irq.elf", commandLine: "level", interruptControllers: .split,
                input: Array("while it lasts\n".utf8) + [4], output: "while it lasts\n", reason: .exited(status: 0),
                unmappedPorts: ["0x21"]),
            GuestRow(
                name: "long-uart-irq.elf", commandLine: "level", interruptControllers: .full,
                input: Array("while it lasts\n".utf8) + [4], output: "while it lasts\n", reason: .exited(status: 0)),
            GuestRow(
                name: "long-virtio-hello.elf", virtioConsoleUsesEvents: true, output: "Hello by virtio!\n",
                reason: .exited(status: 0)),
            GuestRow(
                name: "long-virtio-hello.elf", virtioConsoleUsesEvents: false, output: "Hello by virtio!\n",
                reason: .exited(status: 0)),
        ] + virtioEchoes + virtioPorts + benches + disks + acpi + mixes + LoaderGuests.all + BIOSGuests.all + [
            GuestRow(name: "sleep-forever.elf", interruptControllers: .split, output: "", reason: .halted),
            GuestRow(name: "sleep-forever.elf", vcpuCount: 2, output: "", reason: .halted),
            GuestRow(name: "sleep-forever.elf", interruptControllers: .full, output: "", reason: .halted),
            GuestRow(name: "sleep-forever.bin", mode: .long, output: "", reason: .halted),
            GuestRow(name: "sleep-forever.elf", output: "", reason: .halted),
        ]

    /// Without interrupt controllers the guest sleeps by hypercall.
    private static let virtioEchoes: [GuestRow] = [
        (InterruptControllers.auto, true, ""), (.auto, false, ""), (.full, true, ""), (.full, false, ""),
        (.full, true, "level"), (.full, true, "level late"), (.full, false, "level late"), (.split, true, ""),
        (.split, false, "level"),
    ].map { controllers, usesEvents, commandLine in
        GuestRow(
            name: "long-virtio-echo.elf", commandLine: commandLine, interruptControllers: controllers,
            input: Array("there and back\n".utf8) + [4], virtioConsoleUsesEvents: usesEvents,
            output: "there and back\n", reason: .exited(status: 0),
            // Where it looks for a PIC, and then for an I/O APIC.
            unmappedPorts: controllers == .full ? [] : ["0x21"],
            unmappedMemory: controllers == .auto ? ["0xfec00000", "0xfec00010"] : [])
    }

    private static let virtioPorts: [GuestRow] = [(true, 2), (false, 2), (true, 31), (true, 0)].map {
        usesEvents, count in
        let names = (0..<count).map { "port\($0)" }
        let work = names.map { " \($0)=send:100000" }.joined()
        let results = names.enumerated().map { "port \($0 + 1) is \($1): sent 100000 bytes, received 0 bytes\n" }
        return GuestRow(
            name: "long-virtio-ports.elf", commandLine: "emergency console=echo" + work,
            input: Array("there and back\n".utf8) + [4], virtioConsoleUsesEvents: usesEvents, virtioPorts: names,
            output: "early\nthere and back\nport 0 is console: sent 15 bytes, received 15 bytes\n"
                + results.joined(), reason: .exited(status: 0))
    }

    /// Where a guest looks for a PIC, and then for an I/O APIC.
    private static func unmapped(_ controllers: InterruptControllers) -> (ports: [String], memory: [String]) {
        (controllers == .full ? [] : ["0x21"], controllers == .auto ? ["0xfec00000", "0xfec00010"] : [])
    }

    private static let disks: [GuestRow] =
        [InterruptControllers.auto, .split, .full].flatMap { controllers in
            let nothing = unmapped(controllers)
            return [
                GuestRow(
                    name: "long-virtio-blk.elf", interruptControllers: controllers, diskSectors: 256,
                    output: "disk: 256 sectors, \"disk0\"\n"
                        + "disk: 256 sectors written, flushed, read back and verified\n",
                    reason: .exited(status: 0), unmappedPorts: nothing.ports, unmappedMemory: nothing.memory),
                GuestRow(
                    name: "long-virtio-rng.elf", interruptControllers: controllers, hasEntropy: true,
                    output: "virtio-rng: 65536 bytes, every byte value seen\n", reason: .exited(status: 0),
                    unmappedPorts: nothing.ports, unmappedMemory: nothing.memory),
            ]
        } + [
            GuestRow(
                name: "long-disk-log.elf", interruptControllers: .split, diskSectors: 50, output: "16\n32\n48\n",
                reason: .exited(status: 0), unmappedPorts: unmapped(.split).ports),
            GuestRow(
                name: "long-com2.elf", input: Array("there and back\n".utf8) + [4], hasSecondSerialPort: true,
                output: "COM1 speaks\nCOM2 speaks\nthere and back\n", reason: .exited(status: 0)),
        ]

    /// By what the tables say, in each way.
    private static let acpi: [GuestRow] = [
        (InterruptControllers.full, 1, "timer", StopReason.exited(status: 0)), (.split, 1, "", .exited(status: 0)),
        (.full, 3, "off", .poweredOff), (.split, 1, "off", .poweredOff),
    ].map { controllers, vcpus, words, reason in
        let parts = ["RSDP: checksum is right", "FACP: checksum is right", "FACS: found", "DSDT: checksum is right"]
        let processors = (0..<vcpus).map { "processor \($0): local APIC \($0)" }
        let lines = parts + ["APIC: checksum is right"] + processors + ["ok"]
        return GuestRow(
            name: "acpi-list.elf", commandLine: words, interruptControllers: controllers, vcpuCount: vcpus,
            output: lines.map { $0 + "\n" }.joined(), reason: reason,
            // The PICs, which it turns off.
            unmappedPorts: controllers == .split ? ["0x21", "0xa1"] : [])
    }

    private static let mixes: [GuestRow] = [1, 4].map { vcpus in
        let lines = (0..<20).map { "uart \(hex(UInt64($0), 8)) \(hex(mixWord(UInt64($0)), 16))\n" }.joined()
        let nothing = unmapped(vcpus > 1 ? .full : .auto)
        return GuestRow(
            name: "long-mix.elf", commandLine: "rounds=20" + (vcpus > 1 ? " cpus=\(vcpus)" : ""), vcpuCount: vcpus,
            diskSectors: 64, output: lines + "mix: 20 rounds of uart disk sleep, nothing wrong\n",
            reason: .exited(status: 0), unmappedPorts: nothing.ports, unmappedMemory: nothing.memory)
    }

    private static func hex(_ value: UInt64, _ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// SplitMix64's word number `index` of seed 0.
    private static func mixWord(_ index: UInt64) -> UInt64 {
        var z = (index &+ 1) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// The first prints nothing but that it is not asked for anything.
    private static let benches: [GuestRow] = [
        GuestRow(
            name: "console-bench.elf", output: "console-bench: bad command line\n", reason: .exited(status: 2)),
        GuestRow(name: "startup-bench.elf", output: ">7febb025\n", reason: .exited(status: 0)),
        GuestRow(name: "startup-real.bin", output: ">7febb025\n", reason: .exited(status: 0)),
        GuestRow(name: "memory-bench.elf", input: [0x0A], output: "3398a400\n", reason: .exited(status: 0)),
        GuestRow(
            name: "memory-real.bin", memory: 1 << 20, input: [0x0A], output: "956c7d20\n",
            reason: .exited(status: 0)),
        GuestRow(name: "compute-bench.elf", output: "", reason: .exited(status: 2)),
        GuestRow(
            name: "compute-bench.elf", commandLine: "work=integer steps=1 ring=0",
            output: "begin integer\n8e4ba612465a30c3\n", reason: .exited(status: 0)),
        GuestRow(
            name: "compute-bench.elf", commandLine: "work=memory steps=1",
            output: "begin memory\nb3807edeb759fbd3\n", reason: .exited(status: 0)),
        GuestRow(
            name: "compute-bench.elf", commandLine: "work=branches steps=1",
            output: "begin branches\neb0682b9b7daa88e\n", reason: .exited(status: 0)),
    ]
}
