import Testing

@testable import VMM

@Suite("Amounts of memory as people write them")
struct MemorySizeTests {
    @Test(
        "bytes, or powers of 1,024 in either case",
        arguments: [
            ("0", 0), ("1", 1), ("4096", 4096), ("1K", 1 << 10), ("64k", 64 << 10), ("64M", 64 << 20),
            ("64m", 64 << 20),
            ("5G", 5 << 30), ("2t", 2 << 40), ("0G", 0), ("007M", 7 << 20), ("18446744073709551615", .max),
            ("16777215T", 16_777_215 << 40),
        ] as [(String, UInt64)])
    func understands(text: String, bytes: UInt64) throws {
        #expect(try TextValue.memory(text) == bytes)
    }

    @Test(
        "anything else is not an amount",
        arguments: [
            "", " ", "K", "-1", "+1", "1.5G", "64MB", "64 M", " 64M", "0x40", "1e6", "M64", "1KK", "\u{661}", "1\u{DF}",
        ])
    func refuses(text: String) {
        #expect { try TextValue.memory(text) } throws: { "\($0)".contains("not an amount of memory") }
    }

    @Test(
        "more than 64 bits hold is too much",
        arguments: ["18446744073709551616", "16777216T", "99999999999G", "99999999999999999999999"])
    func overflows(text: String) {
        #expect { try TextValue.memory(text) } throws: { "\($0)".contains("more than any machine has") }
    }

    @Test(
        "an amount is written in the largest unit that it is whole in",
        arguments: [
            (0, "0"), (1, "1"), (1023, "1023"), (1024, "1K"), (1 << 20, "1M"), (1028 << 10, "1028K"), (3 << 30, "3G"),
            (1 << 52, "4096T"), (.max, "18446744073709551615"), (1 << 63, "8388608T"),
        ] as [(UInt64, String)])
    func writes(bytes: UInt64, text: String) {
        #expect(TextValue.text(ofMemory: bytes) == text)
    }
}
