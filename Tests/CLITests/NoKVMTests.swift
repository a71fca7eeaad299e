import TestSupport
import Testing

/// In a mount namespace with a /dev of its own.
@Suite(
    "Without a usable /dev/kvm", .enabled("this machine gives no mount namespace", { await MountNamespace.way != nil }))
struct NoKVMTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    /// Runs a real guest by these commands, which find a /dev with nothing in it, and the true /dev/kvm in `kvm`.
    ///
    /// - Parameter options: of swiftvmm, and redirections.
    private func run(_ commands: String, _ options: String = "") async throws -> Outcome {
        let way = try #require(await MountNamespace.way)
        let script = """
            set -e
            touch kvm
            if [ -e /dev/kvm ]; then mount --bind /dev/kvm kvm; fi
            mount -t tmpfs none /dev
            \(commands) "$0" run "$1" \(options)
            """
        return try await scratch.shell(
            "exec \(way) sh -c \"$2\" \"$0\" \"$1\"", [Guests.path("real-hello.bin"), script])
    }

    @Test("where there is none, status 69 and how to get one")
    func missing() async throws {
        expectRefusal(
            try await run("exec"), 69,
            "cannot open /dev/kvm: No such file or directory; enable virtualization in the firmware and load the module: "
                + "modprobe kvm_intel or kvm_amd")
    }

    @Test("an image can be inspected all the same, a good one and a bad one")
    func inspects() async throws {
        let way = try #require(await MountNamespace.way)
        let script = "mount -t tmpfs none /dev && exec \"$0\" inspect \"$1\" $2"
        let shell = "exec \(way) sh -c \"$3\" \"$0\" \"$1\" \"$2\""
        let good = try await scratch.shell(shell, [Guests.path("long-hello.elf"), "", script])
        #expect(good.status == 0, "\(good)")
        #expect(good.text.hasSuffix("\nrun            enters it in long mode at 0x100000\n"), "\(good)")
        #expect(good.errors == "")
        let bad = try await scratch.shell(shell, [Guests.path("long-hello.elf"), "--memory=1M", script])
        #expect(bad.status == 66, "\(bad)")
        #expect(bad.lastError.hasSuffix(", lies outside RAM; give more with --memory or link it lower"), "\(bad)")
    }

    @Test("where it may not be opened, status 69 and the group that may")
    func forbidden() async throws {
        // Root itself may open anything until it gives that right away.
        let outcome = try await run(
            "touch /dev/kvm; chmod 000 /dev/kvm; exec setpriv --inh-caps=-all --bounding-set=-all")
        expectRefusal(
            outcome, 69,
            "cannot open /dev/kvm: Permission denied; add your user to the group \"kvm\", then log in again")
    }

    @Test(
        "where it is something else, status 69 as well",
        arguments: [("touch", "Inappropriate ioctl for device"), ("mkdir", "Is a directory")])
    func somethingElse(command: String, reason: String) async throws {
        let outcome = try await run("\(command) /dev/kvm; exec")
        #expect(outcome.status == 69, "\(outcome)")
        #expect(outcome.output == [])
        #expect(outcome.errors.hasPrefix("swiftvmm: cannot open /dev/kvm: \(reason)"), "\(outcome)")
    }

    @Test("the report is written all the same")
    func reports() async throws {
        let outcome = try await run("exec", "--report report")
        #expect(outcome.status == 69)
        let report = try Report(try scratch.read("report"))
        #expect(report.stop.reason == "error")
        #expect(report.stop.status == 69)
        #expect(report.stop.message == outcome.lastError.dropFirst("swiftvmm: ".count))
        #expect(report.run == nil)
    }

    @Test("where there is no /dev/null either, no file takes the place of a closed stream", .requiresKVM)
    func closedStreams() async throws {
        let outcome = try await run(
            "touch /dev/kvm; mount --bind kvm /dev/kvm; exec", "--report report >&-")
        #expect(outcome.status == 74, "\(outcome)")
        let report = try Report(try scratch.read("report"))
        #expect(report.stop.message.hasPrefix("cannot write the guest's output: Bad file descriptor"))
    }
}
