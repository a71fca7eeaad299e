import VMM

/// The guests that a boot loader tells about the machine: each prints what it was told, and ends with QEMU's port.
enum LoaderGuests {
    private static let modules: [(content: String, arguments: String)] = [
        ("first line\nsecond line\n", "some words"), ("another", ""),
    ]

    static let all: [GuestRow] =
        [
            multiboot("multiboot-hello.elf", "modules: 0\n"),
            multiboot("multiboot-hello.elf", memory: 5 << 30, "modules: 0\n"),
            multiboot("multiboot-hello64.elf", "symbols: guest_main found\n"),
            multiboot("multiboot-flat.bin", "zeros behind the image\n"),
            multiboot(
                "multiboot-modules.elf", modules: modules,
                "module 1 (some words), 23 bytes: first line\nmodule 2 (), 7 bytes: another\n"),
            GuestRow(
                name: "multiboot2-hello.elf", commandLine: "one two", modules: modules,
                output: """
                    Multiboot 2
                    command line: one two
                    module 1 (some words), 23 bytes: first line
                    module 2 (), 7 bytes: another
                    memory: 64 MiB
                    symbols: guest_main found

                    """,
                reason: .exited(status: 33)),
            GuestRow(
                name: "pvh-hello.elf", commandLine: "one two", modules: [modules[1]],
                output: "PVH\ncommand line: one two\nmemory: 64 MiB\nmodule 1 (), 7 bytes: another\n",
                reason: .exited(status: 33)),
            GuestRow(
                name: "pie-hello.elf", output: "Hello from a position-independent executable!\n",
                reason: .exited(status: 0)),
            GuestRow(
                name: "timer-apic.elf",
                output: """
                    timer-apic: 10 interrupts of a timer that repeats
                    timer-apic: 1 of one that does not
                    timer-apic: 1 at a deadline

                    """, reason: .exited(status: 0)),
            GuestRow(
                name: "clocks.elf",
                output: ["PIT", "time stamp counter", "local APIC's timer", "KVM's clock"]
                    .map { "clocks: \($0) never goes back\n" }.joined(), reason: .exited(status: 0)),
            GuestRow(
                name: "disk-test.elf", diskSectors: 2048,
                output: """
                    disk: 2048 sectors, "disk0"
                    disk: 2048 sectors written, flushed, read back and verified

                    """, reason: .exited(status: 0)),
        ]
        + [1, 2, 8].map { cpus in
            GuestRow(
                name: "smp-count.elf", commandLine: "cpus=\(cpus)", vcpuCount: cpus,
                output: "smp-count: \(cpus) vCPUs are here\nsmp-count: an interrupt went round by \(cpus)\n",
                reason: .exited(status: 0))
        }

    private static func multiboot(
        _ name: String, memory: UInt64 = 64 << 20, modules: [(content: String, arguments: String)] = [],
        _ output: String
    ) -> GuestRow {
        // Of more than 3 GiB the rest lies from 4 GiB on.
        GuestRow(
            name: name, memory: memory, commandLine: "one two", modules: modules,
            output: "Multiboot 1\nmemory: \(min(memory, 3 << 30) >> 20) MiB\ncommand line: one two\n\(output)",
            reason: .exited(status: 33))
    }
}
