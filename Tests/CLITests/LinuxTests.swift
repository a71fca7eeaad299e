import TestSupport
import Testing

/// Debian's kernels, as they are packaged, with an initial RAM disk of ours (guests/linux/init).
@Suite("Linux", .requiresLinux)
struct LinuxTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    struct Guest: CustomTestStringConvertible, Sendable {
        enum Console: String { case ttyS0, hvc0 }

        let kernel: String
        let cpus: Int
        let console: Console

        var testDescription: String { "\(kernel), \(cpus) vCPUs, \(console)" }

        /// - Parameter task: what its first process does.
        func arguments(_ task: String, seconds: Int = 280) -> [String] {
            let folder = LinuxGuests.folder ?? ""
            let flavour = kernel.prefix { $0 != "." }
            var arguments = [
                "run", "\(folder)/\(kernel)", "--initrd", "\(folder)/\(flavour).initrd", "--cpus", "\(cpus)",
                // On a busy machine the kernel's watchdog would speak in the middle of what is looked for.
                "--timeout", "\(seconds)", "--cmdline", "loglevel=1 nowatchdog task=\(task)",
            ]
            switch console {
            case .ttyS0: break
            // Not the kernel's own console: there a Ctrl-O, and the byte behind it, would be commands to the kernel (SysRq).
            case .hvc0:
                arguments[arguments.count - 1] += " console=ttyS0 on=hvc0"
                arguments += ["--console", "virtio", "--serial", "null"]
            }
            return arguments
        }
    }

    private static let simple = Guest(kernel: "cloud.vmlinux", cpus: 1, console: .ttyS0)

    static let guests: [Guest] = {
        let kernels = ["cloud.vmlinuz", "cloud.vmlinux", "generic.vmlinuz", "generic.vmlinux"]
        let all = kernels.flatMap { kernel in
            (1...3).flatMap { cpus in
                [Guest.Console.ttyS0, .hvc0].map { Guest(kernel: kernel, cpus: cpus, console: $0) }
            }
        }
        // Each kernel, each count and each console at least once.
        return LinuxGuests.wantsAll ? all : [0, 3, 4, 10, 15, 18].map { all[$0] }
    }()

    @Test("Debian's stock kernels boot to user space, with all their processors, on either console", arguments: guests)
    func boots(_ guest: Guest) async throws {
        let outcome = try await scratch.swiftvmm(guest.arguments("hello"))
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.text.contains("hello from Linux on \(guest.cpus) processors"), "\(outcome)")
        #expect(outcome.text.contains("clock: kvm-clock"), "\(outcome)")
    }

    @Test("the exit status of a script inside is the process's")
    func exitStatus() async throws {
        let outcome = try await scratch.swiftvmm(Self.simple.arguments("status value=37"))
        #expect(outcome.status == 37)
        #expect(outcome.lastError == "swiftvmm: the guest ended with status 37")
    }

    @Test(
        "power-off, reboot, halt and panic are told apart",
        arguments: [
            ("poweroff", "poweredOff", 0), ("reboot", "reset", 0), ("halt", "halted", 0), ("panic", "panicked", 125),
        ] as [(String, String, Int32)])
    func ends(task: String, reason: String, status: Int32) async throws {
        let guest = Guest(kernel: "cloud.vmlinux", cpus: 2, console: .ttyS0)
        let outcome = try await scratch.swiftvmm(guest.arguments(task) + ["--report", "report.json"])
        #expect(outcome.status == status, "\(outcome)")
        #expect(try Report(scratch.read("report.json")).stop.reason == reason)
    }

    @Test("bytes go to and fro unchanged", arguments: [Guest.Console.ttyS0, .hvc0])
    func echo(console: Guest.Console) async throws {
        var random = SplitMix64(seed: 11)
        // On an emulated host a byte takes a millisecond on the serial port, with three exits: a megabyte is for a whole round.
        let most = LinuxGuests.wantsAll ? 1 << 20 : 1 << 11
        let count = TestScale.divisor > 1 ? most : 1 << 20
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        let guest = Guest(kernel: "cloud.vmlinux", cpus: 1, console: console)
        let arguments = guest.arguments("echo bytes=\(bytes.count)", seconds: LinuxGuests.wantsAll ? 3600 : 280)
        let outcome = try await scratch.converse(arguments) { session in
            var start = 0
            while true {
                try await session.read(until: session.received.count + 1)
                let text = String(decoding: session.received, as: UTF8.self)
                guard text.contains("ready\n") else { continue }
                start = session.received.count
                break
            }
            // Some at a time: the guest gives back nothing more while nobody reads.
            for sent in stride(from: 0, to: bytes.count, by: 1 << 14) {
                let end = min(bytes.count, sent + (1 << 14))
                try await session.send(Array(bytes[sent..<end]))
                try await session.read(until: start + end)
            }
            #expect(Array(session.received[start...].prefix(bytes.count)) == bytes)
            try await session.readToEnd()
        }
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test("a file system on a disk is mounted, written and flushed, and the host finds every byte")
    func disk() async throws {
        let made = try await scratch.shell("truncate -s 64M disk && /sbin/mke2fs -q -t ext4 disk")
        try #require(made.status == 0, "\(made)")
        let outcome = try await scratch.swiftvmm(Self.simple.arguments("disk") + ["--disk", "disk"])
        #expect(outcome.status == 0, "\(outcome)")
        let check = """
            /sbin/e2fsck -fn disk >check 2>&1 || { cat check; exit 1; }
            /sbin/debugfs -R 'cat /numbers' disk 2>/dev/null >numbers && seq 1 100000 | cmp - numbers
            """
        let checked = try await scratch.shell(check)
        #expect(checked.status == 0, "\(checked)")
    }
}
