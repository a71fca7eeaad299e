import FoundationEssentials
import TestSupport
import Testing

/// One after the other: there is one build of it at a time.
@Suite("The example packages", .requiresKVM, .serialized)
struct ExampleTests {
    private static let folder = "\(Checkout.root)/Examples"
    /// Where all are built already; nil where they are not.
    private static let builtFolder = ProcessInfo.processInfo.environment["SWIFTVMM_EXAMPLES"]

    /// Builds an example where the environment does not name the folder that all were built in before.
    ///
    /// - Parameter script: is given the program and the arguments.
    private func run(
        _ name: String, of package: String? = nil, _ arguments: [String] = [], script: String = "\"$@\""
    ) async throws -> Outcome {
        let scratch = try Scratch()
        if let folder = Self.builtFolder {
            return try await scratch.shell(script, ["\(folder)/\(name)"] + arguments)
        }
        return try await scratch.shell(
            """
            program=$1/$2/.build/debug/$3
            swift build --quiet --package-path "$1/$2" >&2 || exit
            shift 3
            set -- "$program" "$@"
            \(script)
            """,
            // A compiler beside all other tests.
            [Self.folder, package ?? name, name] + arguments, patience: TestScale.patience * 6)
    }

    private func runGuest(_ guest: String) async throws -> Outcome {
        try await run("RunGuest", [guest])
    }

    @Test("it runs real-hello through the library and tells how it ended")
    func runsHello() async throws {
        let outcome = try await runGuest(Guests.path("real-hello.bin"))
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.text == "The guest halted. It said: Hello from real mode!\n")
    }

    @Test("it tells a guest's own status from a halt")
    func runsExit() async throws {
        #expect(try await runGuest(Guests.path("real-exit.bin")).text == "The guest ended with status 42.\n")
    }

    @Test("guests use devices of a program's own: at ports, in memory with an interrupt, and by virtio")
    func ownDevices() async throws {
        let outcome = try await run("OwnDevices")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(
            outcome.text == """
                The square root of 1764 is 42.
                The timer has interrupted 3 times.
                The device has made of the text: HELLO FROM A VIRTIO DEVICE

                """)
    }

    /// The kernel that asks for a name.
    private func kernel() async throws -> String {
        if Self.builtFolder == nil {
            let outcome = try await Scratch().shell("\"$1\"", ["\(Self.folder)/GuestTests/build-kernel"])
            #expect(outcome.status == 0, "\(outcome)")
        }
        return "\(Self.folder)/GuestTests/kernel.elf"
    }

    @Test("a program talks with a guest")
    func dialogue() async throws {
        let outcome = try await run("Dialogue", of: "Embedding", [kernel(), "Ada"])
        #expect(outcome.status == 0, "\(outcome)")
        #expect(
            outcome.text == """
                The guest asks: name?\u{20}
                It says: hello, Ada!
                Then the guest ended with status 0.

                """)
    }

    @Test("a program whose dialogue cannot begin tells why there is no machine")
    func noDialogue() async throws {
        let outcome = try await run("Dialogue", of: "Embedding", ["/no/such/kernel", "Ada"])
        #expect(outcome.status == 1 && outcome.text.contains("cannot boot /no/such/kernel: "), "\(outcome)")
    }

    @Test("a program has fifty machines at once, and finds what they computed in their memory")
    func fiftyMachines() async throws {
        let outcome = try await run("FiftyMachines", of: "Embedding")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.text == "50 machines have made the squares of 1 to 50. Their sum is 42925.\n")
    }

    @Test("a server answers each request from a machine of its own, also where guests end otherwise")
    func server() async throws {
        let outcome = try await run(
            "HTTPServer", of: "Embedding", [kernel()],
            script: """
                exec bash /dev/stdin "$@" <<'END'
                "$1" "$2" 0 >log & server=$!
                until grep -q Listening log; do sleep 0.05; kill -0 $server || exit; done
                port=$(sed -n 's/^Listening on port \\([0-9]*\\).$/\\1/p' log)
                get() {
                    exec 3<>"/dev/tcp/127.0.0.1/$port"
                    printf 'GET %s HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' "$1" >&3
                    tr -d '\\r' <&3
                }
                for name in Ada Grace; do get "/hello/$name" >"$name" & done
                wait %2 && wait %3
                cat Ada Grace
                get /hello/crash
                get /elsewhere
                kill $server
                END
                """)
        let answers = ["hello, Ada!\n", "hello, Grace!\n", "502 Bad Gateway", "#UD", "404 Not Found"]
        for answer in answers { #expect(outcome.text.contains(answer), "\(outcome)") }
    }
}
