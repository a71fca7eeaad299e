import TestSupport
import Testing

@Suite("Arguments that are not text")
struct ArgumentTextTests {
    @Test(
        "one that is not UTF-8 is refused, where another file would be opened, or made",
        arguments: ["run", "run x --report"])
    func notUTF8(words: String) async throws {
        let scratch = try Scratch()
        let outcome = try await scratch.shell("exec \"$0\" \(words) \"$(printf 'bad\\377.bin')\"")
        expectRefusal(outcome, 64, "an argument is not UTF-8 text; rename the file, or give another path to it")
        #expect(try scratch.names == [])
    }
}
