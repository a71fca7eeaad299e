import DeviceModel
import Testing

@Suite("Byte queue")
struct ByteFIFOTests {
    @Test("bytes come out in the order they went in")
    func order() {
        var queue = ByteFIFO()
        for byte in [0x00, 0xFF, 0x00, 0x80] as [UInt8] {
            let isAdded = queue.append(byte)
            #expect(isAdded)
        }
        var taken: [UInt8] = []
        while let byte = queue.popFirst() {
            taken.append(byte)
        }
        #expect(taken == [0x00, 0xFF, 0x00, 0x80])
        let none = queue.popFirst()
        #expect(none == nil)
    }

    @Test("the 17th byte is refused and changes nothing")
    func capacity() {
        let full = ByteFIFO([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xFF])
        var queue = full
        #expect(queue.count == 16)
        let isAdded = queue.append(0x55)
        #expect(!isAdded)
        #expect(queue == full)
    }

    @Test("queues with the same bytes are equal, whatever they held before")
    func equality() {
        var queue = ByteFIFO([1, 2, 3])
        _ = queue.popFirst()
        _ = queue.append(4)
        #expect(queue == ByteFIFO([2, 3, 4]))
        #expect(ByteFIFO([0]) != ByteFIFO())
    }
}
