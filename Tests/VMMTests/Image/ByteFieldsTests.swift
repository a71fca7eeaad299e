import Testing

@testable import VMM

@Suite("Fields of an untrusted header")
struct ByteFieldsTests {
    private static let fields = ByteFields(([0xEE, 1, 2, 3, 4, 5, 6, 7, 8, 0xEE] as [UInt8])[1..<9])

    @Test("fields are little-endian, counted from the first byte of the slice")
    func loads() {
        #expect(Self.fields.load(UInt8.self, at: 0) == 1)
        #expect(Self.fields.load(UInt8.self, at: 7) == 8)
        #expect(Self.fields.load(UInt16.self, at: 6) == 0x0807)
        #expect(Self.fields.load(UInt32.self, at: 1) == 0x0504_0302)
        #expect(Self.fields.load(UInt64.self, at: 0) == 0x0807_0605_0403_0201)
    }

    @Test("a field that is not there in full is nil, not its neighbours")
    func bounds() {
        #expect(Self.fields.load(UInt8.self, at: 8) == nil)
        #expect(Self.fields.load(UInt16.self, at: 7) == nil)
        #expect(Self.fields.load(UInt64.self, at: 1) == nil)
        #expect(Self.fields.load(UInt8.self, at: -1) == nil)
        #expect(Self.fields.load(UInt8.self, at: .max) == nil)
        #expect(Self.fields.load(UInt64.self, at: .min) == nil)
        #expect(ByteFields([]).load(UInt64.self, at: 0) == nil)
    }
}
