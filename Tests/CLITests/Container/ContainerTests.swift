import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Comparison

/// Whether this machine lets a process make namespaces: a look that does not ask the code under test.
private let hasUserNamespaces: Bool = {
    // SAFETY: a C string for the length of the call.
    unsafe system("unshare --user --map-root-user --mount --pid --fork true 2>/dev/null") == 0
}()

@Suite("The container of compare", .enabled("this machine gives no user namespaces", { hasUserNamespaces }))
struct ContainerTests {
    private let scratch: Scratch
    private let probe = Guests.path("container-probe-process")

    init() throws {
        scratch = try Scratch()
    }

    private func contain(_ words: String..., redirection: String = "") async throws -> Outcome {
        try await scratch.swiftvmm(["compare", "contain"] + words, redirection: redirection)
    }

    @Test("a program gets its arguments, prints, and its status passes through")
    func passesThrough() async throws {
        #expect(try await contain(probe).status == 7)
        let outcome = try await contain(probe, "arguments", "two words")
        #expect(outcome.status == 0 && outcome.text == "\(probe)\narguments\ntwo words\n", "\(outcome)")
        #expect(try await contain(probe, "fault").status == 128 + SIGSEGV)
    }

    @Test("what one of these programs prints is the same as outside", arguments: ["startup-process", "memory-process"])
    func sameAsOutside(name: String) async throws {
        let (inside, outside) = (
            try await contain(Guests.path(name), redirection: "</dev/null"),
            try await scratch.shell("exec \"$1\" </dev/null", [Guests.path(name)])
        )
        #expect(inside.status == 0 && outside.status == 0, "\(inside) \(outside)")
        #expect(inside.text == outside.text && outside.text.count > 8)
    }

    @Test(
        "a system call that is not allowed kills it, whichever way it is made",
        arguments: ["call", "call-i386", "call-x32"])
    func forbiddenCall(way: String) async throws {
        let outside = try await scratch.shell("\"$1\" \"$2\"", [probe, way])
        #expect(outside.status == 0 && !outside.output.isEmpty, "\(outside)")
        let inside = try await contain(probe, way)
        #expect(inside.status == 128 + SIGSYS && inside.output.isEmpty, "\(inside)")
    }

    /// The program waits for the end of its input, which does not come; `cat` ends only when the program is gone.
    @Test("a container that is killed takes its program with it, whenever that is")
    func killed() async throws {
        let script = """
            rm -f hold; mkfifo hold; exec 3<>hold
            { "$0" compare contain "$1" <&3 & echo $! >id; sleep "0.0$2"; kill -KILL $!; } 2>errors | cat
            # Its control groups stay, until the next comparison.
            groups="/sys/fs/cgroup/swiftvmm-$(cat id) /sys/fs/cgroup/*/swiftvmm-$(cat id)"
            for group in $groups; do
                while [ -e "$group" ] && ! rmdir "$group" 2>/dev/null; do sleep 0.01; done
            done
            """
        for time in 0..<TestScale.count(40) {
            let outcome = try await scratch.shell(
                script, [Guests.path("memory-process"), time < 10 ? "0\(time)" : "\(time)"])
            #expect(outcome.status == 0, "\(time) ms: \(outcome)")
        }
    }

    @Test("it has no more memory than its control group, where there is one")
    func memoryLimit() async throws {
        let outcome = try await contain(probe, "grow")
        let isLimited = !outcome.errors.contains("not isolated: ")
        #expect(outcome.status == (isLimited ? 128 + SIGKILL : 0), "\(outcome)")
    }

    @Test("seen from outside, it is alone: every namespace, no right, nothing to write to")
    func isolation() async throws {
        let outcome = try await scratch.talk("compare", "contain", Guests.path("memory-process")) { session in
            try await session.read(until: 9)
            let helper = session.state.number
            let child = try #require(ProcessFolder(helper).children.first)
            let (inside, own) = (ProcessFolder(child), ProcessFolder(helper))
            for kind in ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"] {
                let there = try #require(inside.link("ns/\(kind)"))
                #expect(there != own.link("ns/\(kind)"), "\(kind)")
            }
            #expect(inside.status("NSpid")?.hasSuffix("\t1") == true)
            for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
                #expect(inside.status(set) == "0000000000000000", "\(set)")
            }
            #expect(inside.status("NoNewPrivs") == "1")
            #expect(inside.status("Seccomp") == "2")
            #expect(inside.lines("uid_map").map { $0.split(separator: " ") } == [["0", "\(geteuid())", "1"]])
            // Nothing but the loopback, and nothing but the root and the program, neither of which can be written.
            #expect(
                inside.lines("net/dev").dropFirst(2).map { $0.split(separator: ":")[0].filter { $0 != " " } } == ["lo"])
            let mounts = inside.lines("mountinfo").map { $0.split(separator: " ") }
            #expect(mounts.map { $0[4] } == ["/", "/program"], "\(mounts)")
            #expect(mounts.allSatisfy { $0[5].hasPrefix("ro,nosuid,nodev") }, "\(mounts)")
            // The three streams alone.
            #expect(inside.names("fd") == ["0", "1", "2"])
            try await session.type("x")
            try await session.readToEnd()
        }
        #expect(outcome.status == 0, "\(outcome)")
        #expect(eventually(within: TestScale.patience) { Self.leftGroups.isEmpty })
    }

    @Test("a signal ends it, and so does the end of who waits for it; no process and no control group is left")
    func ends() async throws {
        for signal in [SIGTERM, SIGINT] {
            let outcome = try await scratch.talk("compare", "contain", Guests.path("memory-process")) { session in
                try await session.read(until: 9)
                try session.send(signal)
                try await session.readToEnd()
            }
            #expect(outcome.status == 128 + signal, "\(outcome)")
        }
        // Its shell dies, and the container with it: the pipe's end comes when its last process is gone.
        let outcome = try await scratch.shell(
            """
            mkfifo in
            sh -c 'echo $$ >id; "$0" compare contain "$1" <>in; :' "$0" "$1" | { read line; kill -9 $(cat id); cat; echo $line; }
            """, [Guests.path("memory-process")])
        #expect(outcome.text == "3398a400\n", "\(outcome)")
        #expect(eventually(within: TestScale.patience) { Self.leftGroups.isEmpty })
    }

    @Test("a program that is not there is told, with the step that failed")
    func missing() async throws {
        expectRefusal(try await contain("missing"), 70, "cannot open missing: No such file or directory")
        try scratch.write(Array("text".utf8), to: "text")
        expectRefusal(try await contain("text"), 70, "cannot execute text: Permission denied")
    }

    @Test("where the machine gives no namespaces, it says so and runs nothing")
    func refused() async throws {
        let script = """
            echo 0 >/proc/sys/user/max_user_namespaces && exec "$0" compare contain "$1"
            """
        let outcome = try await scratch.shell(
            "exec unshare --user --map-root-user sh -c \"$2\" \"$0\" \"$1\"", [probe, script])
        #expect(outcome.status == 70 && outcome.output.isEmpty, "\(outcome)")
        #expect(
            outcome.lastError.hasPrefix("swiftvmm: cannot make user, mount, PID, network, IPC and UTS namespaces: "),
            "\(outcome)")
        #expect(outcome.lastError.hasSuffix("; allow user namespaces, see sysctl user.max_user_namespaces"))
    }

    /// Control groups of containers whose process is gone.
    private static var leftGroups: [String] {
        ["", "/memory", "/pids"].flatMap { hierarchy in
            let folder = "/sys/fs/cgroup\(hierarchy)"
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return names.filter { name in
                guard name.hasPrefix("swiftvmm-"), let id = pid_t(name.dropFirst(9)) else { return false }
                return kill(id, 0) != 0
            }
        }
    }
}
