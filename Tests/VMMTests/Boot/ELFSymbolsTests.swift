import TestSupport
import Testing

@testable import VMM

@Suite("The symbols of an ELF file")
struct ELFSymbolsTests {
    /// The file of a guest, which has symbols.
    private static func file() throws -> [UInt8] {
        try FileBytes.read(Guests.path("long-hello.elf"))
    }

    @Test("an address is called after the nearest symbol before it, and what is far from all has no name")
    func names() throws {
        let image = try ImageReader(.bytes(try Self.file()))
        let entry = try ELFHeader(reading: image).entry
        let symbols = try #require(ELFSymbols(reading: image))
        let name = try #require(symbols.name(of: entry))
        #expect(!name.contains("+"))
        #expect(symbols.name(of: entry + 1) == "\(name)+0x1")
        #expect(symbols.name(of: 0) == nil)
        #expect(symbols.name(of: .max) == nil)
    }

    @Test("a file without section headers, or cut anywhere, has fewer names, and no trap")
    func cut() throws {
        let file = try Self.file()
        for count in stride(from: 1, through: file.count, by: 7) {
            guard let symbols = ELFSymbols(reading: try ImageReader(.bytes(Array(file.prefix(count))))) else {
                continue
            }
            _ = symbols.name(of: 0x10_0000)
        }
    }

    @Test("bytes changed at random never trap, and names hold nothing but plain text")
    func random() throws {
        let file = try Self.file()
        var random = SplitMix64(seed: 15)
        for _ in 0..<TestScale.count(5_000) {
            var bytes = file
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let symbols = ELFSymbols(reading: try ImageReader(.bytes(bytes))) else { continue }
            let name = symbols.name(of: UInt64.random(in: 0x0F_F000...0x11_0000, using: &random)) ?? ""
            #expect(name.utf8.allSatisfy { 0x21...0x7E ~= $0 })
        }
    }
}
