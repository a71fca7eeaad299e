import TestSupport
import Testing

@Suite("--load and --entry")
struct FlatPlacementTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        // What is printed tells where it was entered: at its first byte, or behind the first letter.
        try scratch.write(TinyGuest.print("ab") + TinyGuest.halt, to: "guest")
        try scratch.write(Array("text and\n".utf8) + TinyGuest.print("b") + TinyGuest.halt, to: "behind-text")
    }

    /// What is typed behind the image, and what comes of it: output, or a message.
    struct Row: Sendable, CustomTestStringConvertible {
        let words: [String]
        let status: Int32
        let text: String

        init(_ words: String, _ status: Int32, _ text: String) {
            (self.words, self.status, self.text) = (words.split(separator: " ").map(String.init), status, text)
        }

        var testDescription: String { words.joined(separator: " ") }
    }

    static let placed = [
        Row("guest --load 0x8000", 0, "ab"), Row("guest --load 32768", 0, "ab"), Row("guest --load 800:0", 0, "ab"),
        Row("guest --load 0x1000:0x10", 0, "ab"), Row("guest --load=9000:FFF0", 0, "ab"),
        Row("guest --load 0x12340", 0, "ab"),
        Row("guest --load 1000:0 --entry 1000:4", 0, "b"), Row("guest --load 1000:0 --entry 0x10004", 0, "b"),
        Row("guest --entry 0x7c04", 0, "b"), Row("guest --entry 7c0:4", 0, "b"),
        Row("guest --mode protected --load 0x200000", 0, "ab"), Row("guest --mode long --load 0x10000", 0, "ab"),
        Row("guest --mode long --load 0x200000 --entry 2097156", 0, "b"),
        Row("guest --format flat --load 0x8000 --entry 0x8004", 0, "b"),
        Row("behind-text --load 500:0 --entry 500:9", 0, "b"),
    ]

    static let refusals = [
        Row(
            "guest --load 7C00", 64,
            "the value '7C00' is invalid for '--load': it is no place in memory; give an address, as 0x100000 or 1048576, or in real mode SEGMENT:OFFSET, in hexadecimal, as 7C0:0"
        ),
        Row("guest --load=-1", 64, "the value '-1' is invalid for '--load': it is no place in memory"),
        Row("guest --load=+1", 64, "the value '+1' is invalid for '--load': it is no place in memory"),
        Row("guest --load 1:2:3", 64, "the value '1:2:3' is invalid for '--load'"),
        Row("guest --load :0", 64, "the value ':0' is invalid for '--load'"),
        Row("guest --load 10000:0", 64, "the value '10000:0' is invalid for '--load'"),
        Row("guest --entry 0x", 64, "the value '0x' is invalid for '--entry'"),
        Row("guest --entry 0x10000000000000000", 64, "is invalid for '--entry'"),
        Row("guest --load", 64, "'--load' needs a value, '--load <place>'"),
        Row("guest --load 0", 64, "would lie over the interrupt table at 0x0-0x3ff; load it elsewhere"),
        Row(
            "guest --load 0x4000000", 64,
            "the load address 0x4000000 is outside RAM, which is 0x0-0x3ffffff; give another, or give more with --memory"
        ),
        Row(
            "guest --load 0x8000 --mode long", 64,
            "the image at 0x8000-0x8008 would lie over the machine's own tables at 0x0-0xffff; load it elsewhere"),
        Row(
            "guest --load 800:0 --mode long", 64, "a segment and an offset are for real mode; give an address for long"),
        Row("guest --load 0x200000", 64, "the entry 0x200000 is above 0x10ffef"),
        Row("guest --entry 0x8000", 64, "the entry 0x8000 is outside the image, which is at 0x7c00-0x7c08"),
        Row(
            "elf --load 0x200000", 64,
            "an ELF image says itself where it is loaded and entered; leave --load and --entry out"),
        Row("sector --entry 0x7C00", 64, "a boot sector says itself where it is loaded and entered; leave --load"),
        Row("guest --load 0x3FFFFFF --mode long", 66, "and the RAM where it is loaded only 1; give more with --memory"),
    ]

    @Test("a flat image runs where it is put", .requiresKVM, arguments: placed)
    func runs(row: Row) async throws {
        expectSuccess(try await scratch.swiftvmm(["run"] + row.words), row.text)
    }

    @Test("what cannot be is told, by inspect as by run", .requiresAnyKVM, arguments: refusals, ["run", "inspect"])
    func refused(row: Row, command: String) async throws {
        try scratch.write(TinyELF().bytes, to: "elf")
        try scratch.write(TinyGuest.halt + [UInt8](repeating: 0, count: 509) + [0x55, 0xAA], to: "sector")
        let outcome = try await scratch.swiftvmm([command] + row.words)
        #expect(outcome.status == row.status, "\(outcome)")
        #expect(outcome.lastError.contains(row.text), "\(outcome)")
    }

    @Test("inspect tells where it goes")
    func inspect() async throws {
        let outcome = try await scratch.swiftvmm("inspect", "guest", "--load", "1000:0", "--entry", "1000:4")
        #expect(outcome.status == 0 && outcome.text.contains("\nloads          contents to 0x10000: 9 bytes\n"))
        #expect(outcome.text.hasSuffix("enters it in real mode at 1000:4, which is 0x10004\n"), "\(outcome)")
    }
}
