import DeviceModel
import Testing

@Suite("Guest addresses")
struct GuestAddressTests {
    @Test("adding up to the last address succeeds")
    func addsUpToTheEnd() {
        #expect(GuestAddress(0x7C00).adding(0x200) == GuestAddress(0x7E00))
        #expect(GuestAddress(1).adding(.max - 1) == GuestAddress(.max))
        #expect(GuestAddress(.max).adding(0) == GuestAddress(.max))
    }

    @Test("adding past the last address gives nil instead of a low address")
    func refusesToWrap() {
        #expect(GuestAddress(.max).adding(1) == nil)
        #expect(GuestAddress(1).adding(.max) == nil)
    }

    @Test("addresses are ordered and shown in hexadecimal")
    func ordersAndDescribes() {
        #expect(GuestAddress(0xFFFF) < GuestAddress(0x1_0000))
        #expect("\(GuestAddress(0x7C00))" == "0x7c00")
    }
}
