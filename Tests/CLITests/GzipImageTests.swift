import TestSupport
import Testing

@Suite("Images that gzip has packed")
struct GzipImageTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    private static let hello = "Hello from real mode!\n"

    /// A script with the image `$1`, and its output.
    static let scripts = [
        "gzip -c \"$1\" >k.gz; \"$0\" run k.gz", "gzip -9c \"$1\" | \"$0\" run -",
        "gzip -c \"$1\" >k.gz; \"$0\" run k.gz --mode real",
        "head -c 20 \"$1\" | gzip >k.gz; tail -c +21 \"$1\" | gzip >>k.gz; \"$0\" run k.gz",
    ]

    @Test("each is booted as what was packed", .requiresKVM, arguments: scripts)
    func runs(script: String) async throws {
        expectSuccess(try await scratch.shell(script, [Guests.path("real-hello.bin")]), Self.hello)
    }

    @Test("a kernel too", .requiresKVM, arguments: ["long-hello.elf", "multiboot-hello.elf", "pvh-hello.elf"])
    func kernels(name: String) async throws {
        let plain = try await scratch.swiftvmm("run", Guests.path(name))
        let packed = try await scratch.shell("gzip -c \"$1\" >k.gz; \"$0\" run k.gz", [Guests.path(name)])
        #expect(packed.status == plain.status)
        #expect(packed.text.replacing("k.gz", with: "") == plain.text.replacing(Guests.path(name), with: ""))
        #expect(packed.text != "" && packed.errors == plain.errors, "\(packed)")
    }

    @Test("what is behind it is told, and ignored", .requiresKVM)
    func behind() async throws {
        let script = "{ gzip -c \"$1\"; echo more; } >k.gz; \"$0\" COMMAND k.gz"
        let outcome = try await scratch.shell(
            script.replacing("COMMAND", with: "run"), [Guests.path("real-hello.bin")])
        #expect(outcome.status == 0 && outcome.text == Self.hello, "\(outcome)")
        #expect(outcome.errors == "swiftvmm: k.gz has 5 bytes behind what gzip packed, which are ignored\n")
        let inspected = try await scratch.shell(
            script.replacing("COMMAND", with: "inspect"), [Guests.path("real-hello.bin")])
        #expect(inspected.text.contains(", of which 5 are ignored\n"), "\(inspected)")
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let script: String
        let message: String

        init(_ script: String, _ message: String) {
            (self.script, self.message) = (script, message)
        }

        var testDescription: String { script }
    }

    static let refusals = [
        Refusal(
            "head -c 100M /dev/zero | gzip -1 >k.gz; \"$0\" run k.gz --memory 64M",
            "cannot boot k.gz: it has more than 67108864 bytes, too many to unpack, or to take from a pipe, for this machine; give more with --memory"
        ),
        Refusal(
            "head -c 513M /dev/zero | gzip -1 | \"$0\" run -",
            "cannot boot standard input: it has more than 536870912 bytes, too many to unpack, or to take from a pipe, for this machine; give more with --memory"
        ),
        Refusal(
            "head -c 1000 \"$0\" | gzip | head -c 100 >k.gz; \"$0\" run k.gz",
            "cannot boot k.gz: the file ends inside its gzip data; copy or build it again"),
        Refusal(
            "{ printf '\\037\\213\\010\\0\\0\\0\\0\\0\\0\\003\\377\\377'; } >k.gz; \"$0\" run k.gz",
            "cannot boot k.gz: what gzip packed is broken (invalid block type); copy or pack it again"),
        Refusal(
            "printf '' | gzip >k.gz; \"$0\" run k.gz",
            "cannot boot k.gz: the file is empty; give the file of a guest"),
        Refusal(
            "echo some text, and no guest | gzip >k.gz; \"$0\" run k.gz",
            "cannot boot k.gz: it is text; assemble or compile it, and give what comes of that"),
        Refusal(
            "printf '\\364' | gzip | gzip >k.gz; \"$0\" run k.gz",
            "cannot boot k.gz: it is packed by gzip twice; gunzip it once"),
        Refusal(
            "printf '\\050\\265\\057\\375\\0' >k.zst; \"$0\" run k.zst",
            "cannot boot k.zst: it is packed by zstd; unpack it with: zstd --decompress 'k.zst'"),
    ]

    @Test("what cannot be unpacked is refused, in words", .requiresAnyKVM, arguments: refusals)
    func refused(refusal: Refusal) async throws {
        expectRefusal(try await scratch.shell(refusal.script), 66, refusal.message)
    }
}
