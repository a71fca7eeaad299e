import FoundationEssentials
import TestSupport
import Testing
import VMM

@testable import swiftvmm

@Suite("JSON as people write it")
struct JSONReaderTests {
    private static func read(_ text: String) throws -> DescribedValue { try JSONReader.value(of: Array(text.utf8)) }

    @Test(
        "values of every kind",
        arguments: [
            ("null", .null), (" true\n", .truth(true)), ("\tfalse\r\n", .truth(false)), ("0", .number(0)),
            ("-0", .number(0)), ("18446744073709551615", .number(.max)), ("-5", .negative(-5)),
            ("18446744073709551616", .fraction(18_446_744_073_709_551_616)), ("1e3", .number(1000)),
            ("1.5e-1", .fraction(0.15)),
            ("\"a\\n\\u00e9\\ud83d\\ude00\\/\"", .text("a\né😀/")), ("[]", .list([])),
            ("[ 1 , [ ] ]", .list([.number(1), .list([])])),
            ("{}", .object([:])), ("{\"a\" : {\"b\":null}}", .object(["a": .object(["b": .null])])),
        ] as [(String, DescribedValue)])
    func values(text: String, value: DescribedValue) throws {
        #expect(try Self.read(text) == value)
    }

    @Test(
        "what is none is told with its place",
        arguments: [
            ("", "line 1, column 1: the file ends where a value should be"),
            ("{\n  \"a\": 1,\n}", "line 3, column 1: \"}\" is not a name in quotes"),
            ("{\"a\" 1}", "line 1, column 6: \"1\" is not a colon"),
            ("[1 2]", "line 1, column 4: \"2\" is not a comma or ]"),
            ("[1,]", "line 1, column 4: \"]\" is not a value"),
            ("{\"a\": 1, \"a\": 2}", "line 1, column 10: \"a\" is given twice"),
            ("1 é", "line 1, column 3: \"é\" is not the end of the file"),
            ("tru", "line 1, column 1: \"t\" is not a value"),
            ("01", "line 1, column 2: \"1\" is not the end of the file"),
            ("-", "line 1, column 2: the file ends where a digit should be"),
            ("1.", "line 1, column 3: the file ends where a digit should be"),
            ("1e999", "line 1, column 1: it is no number"),
            ("\"a", "line 1, column 1: these quotes are not closed"),
            ("\"a\n\"", "line 1, column 3: \"\\n\" is not a letter of a text, which ends in its line"),
            ("\"\\x\"", "line 1, column 3: \"x\" is not an escape, as \\n or \\u00e9"),
            ("\"\\ud800\"", "line 1, column 4: it is half of a letter"),
            ("\"\\u+123\"", "line 1, column 4: \"+\" is not the first of four hexadecimal digits"),
            (String(repeating: "[", count: 100_000), "line 1, column 65: lists and objects lie too deep in each other"),
        ])
    func faults(text: String, words: String) {
        #expect {
            _ = try Self.read(text)
        } throws: { "\($0)" == words }
    }

    @Test("texts at random are read as Foundation reads them, or refused where it is laxer", .timeLimit(.minutes(5)))
    func likeFoundation() throws {
        let seeds = [
            "{\"image\": \"guest\", \"list\": [1, -2, 3.5, null, true, {\"a\": \"b\\u00e9\\n\"}], \"n\": 1e3}",
            "[\"\\ud83d\\ude00\", {}, [], \"\\\\\", 0, -0.5]",
        ]
        let letters = Array("{}[]\",:\\/u0123456789eE+-. \n\ttfnab\u{0}\u{7F}\u{80}\u{FF}".unicodeScalars).map {
            UInt8(truncatingIfNeeded: $0.value)
        }
        var random = SplitMix64(seed: 168)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = Array((seeds.randomElement(using: &random) ?? "").utf8)
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                let letter = letters.randomElement(using: &random) ?? 0
                switch Int.random(in: 0...2, using: &random) {
                case 0: bytes[place] = letter
                case 1: bytes.insert(letter, at: place)
                default: if bytes.count > 1 { bytes.remove(at: place) }
                }
            }
            guard let value = try? JSONReader.value(of: bytes) else { continue }
            accepted += 1
            let text = String(decoding: bytes, as: UTF8.self)
            let other = try? JSONDecoder().decode(DescribedValue.self, from: Data(bytes))
            #expect(other == value, "\(text)")
        }
        #expect(accepted > 2_000)
    }
}
