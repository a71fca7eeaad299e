import DeviceModel
import Testing

@testable import VMM

/// A machine's first megabyte as a guest finds it, and a way through it by the specifications' words alone.
struct FirmwareMemory {
    private var bytes = [UInt8](repeating: 0, count: 1 << 20)

    init(_ plan: MachinePlan) {
        for piece in plan.boot.pieces {
            guard case .bytes(let content) = piece.content else { continue }
            bytes.replaceSubrange(Int(piece.address)..<Int(piece.address) + content.count, with: content)
        }
    }

    func load<Value: FixedWidthInteger>(_ type: Value.Type, at address: Int) throws -> Value {
        try #require(bytes.loadLittleEndian(type, at: address))
    }

    func bytes(_ address: Int, _ count: Int) -> ArraySlice<UInt8> { bytes[address..<address + count] }
    func text(_ address: Int, _ count: Int) -> String { String(decoding: bytes(address, count), as: UTF8.self) }
    func sum(_ address: Int, _ count: Int) -> UInt8 { bytes(address, count).reduce(0, &+) }

    /// Each 16 bytes where the text stands.
    func find(_ signature: String, in range: Range<Int>) -> [Int] {
        stride(from: range.lowerBound, to: range.upperBound, by: 16).filter {
            text($0, signature.utf8.count) == signature
        }
    }

    /// The tables that the XSDT and the RSDT lead to, by signature, and the FADT's, each with a right checksum.
    func acpiTables() throws -> [String: Int] {
        let found = find("RSD PTR ", in: 0xE0000..<0x100000)
        let pointer = try #require(found.first)
        #expect(found.count == 1 && sum(pointer, 20) == 0 && sum(pointer, 36) == 0)
        #expect(bytes(pointer + 15, 1).first == 2)
        #expect(try load(UInt32.self, at: pointer + 20) == 36)
        let (rsdt, xsdt) = (
            Int(try load(UInt32.self, at: pointer + 16)), Int(try load(UInt64.self, at: pointer + 24))
        )
        var tables = ["RSDT": rsdt, "XSDT": xsdt]
        let short = try entries(of: rsdt, UInt32.self)
        #expect(try entries(of: xsdt, UInt64.self) == short)
        for address in short { tables[text(address, 4)] = address }
        let fadt = try #require(tables["FACP"])
        tables["DSDT"] = Int(try load(UInt64.self, at: fadt + 140))
        #expect(try load(UInt32.self, at: fadt + 40) == UInt32(try #require(tables["DSDT"])))
        for (signature, address) in tables {
            #expect(text(address, 4) == signature)
            #expect(sum(address, Int(try load(UInt32.self, at: address + 4))) == 0, "\(signature)")
            #expect((0xE1000..<0xF0000).contains(address))
        }
        return tables
    }

    private func entries<Value: FixedWidthInteger>(of table: Int, _ type: Value.Type) throws -> [Int] {
        let size = Int(try load(UInt32.self, at: table + 4))
        return try stride(from: table + 36, to: table + size, by: Value.bitWidth / 8).map {
            Int(try load(type, at: $0))
        }
    }
}
