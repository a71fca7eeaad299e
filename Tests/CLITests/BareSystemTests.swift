import Glibc
import TestSupport
import Testing

/// Jails and containers.
@Suite(
    "Where little of a system is there", .requiresKVM,
    .enabled("this machine gives no mount namespace", { await MountNamespace.way != nil }))
struct BareSystemTests {
    private let scratch: Scratch
    private let way: String

    init() async throws {
        scratch = try Scratch()
        way = try #require(await MountNamespace.way)
    }

    @Test("a guest runs in a folder with nothing but the program, what it is linked with, the guest and /dev/kvm")
    func jail() async throws {
        try scratch.write(TinyGuest.print("hello") + TinyGuest.halt, to: "guest.bin")
        let outcome = try await scratch.shell(
            """
            mkdir -p jail/dev; touch jail/dev/kvm; cp "$0" jail/swiftvmm; mv guest.bin jail
            ldd "$0" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
                mkdir -p "jail${library%/*}"; cp "$library" "jail$library"
            done
            exec \(way) sh -c 'mount --bind /dev/kvm jail/dev/kvm && exec chroot jail /swiftvmm run guest.bin --report report'
            """)
        expectSuccess(outcome, "hello")
        #expect(try Report(try scratch.read("jail/report")).stop.reason == "halted")
    }

    /// Whose signals the kernel keeps from it where it has not asked for them.
    @Test("as the first process of a container it ends by a second signal though nobody takes its words")
    func firstProcess() async throws {
        let guest = try scratch.write(TinyGuest.print("> ") + TinyGuest.spin, to: "guest.bin")
        let outcome = try await scratch.talk(
            guest,
            prelude: """
                mkfifo pipe; exec 3<>pipe; dd if=/dev/zero of=pipe bs=4096 oflag=nonblock 2>dd.log
                exec \(way) --pid --fork sh -c 'exec "$0" run "$1" 2>&3' "$0" "$@";
                """
        ) { session in
            try await session.read(until: 2)
            // The deepest of those that the shell, or sudo, has become.
            var process = session.id
            while let child = ProcessFolder(process).children.first { process = child }
            while kill(process, SIGTERM) == 0 { try await Task.sleep(for: .milliseconds(20)) }
        }
        #expect(outcome.status == 143)
    }
}
