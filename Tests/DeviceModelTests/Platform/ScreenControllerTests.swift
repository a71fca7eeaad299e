import TestSupport
import Testing

@testable import DeviceModel

@Suite("The text screen's controller")
struct ScreenControllerTests {
    @Test("its 32 registers hold what is written, and an index beyond them means nothing")
    func registers() {
        let screen = ScreenController()
        #expect(screen.read(offset: 1, width: 1) == 0)
        for index in 0..<256 {
            screen.write(offset: 0, width: 1, value: UInt64(index))
            screen.write(offset: 1, width: 1, value: UInt64(index ^ 0x5A))
        }
        for index in 0..<256 {
            screen.write(offset: 0, width: 1, value: UInt64(index))
            #expect(screen.read(offset: 0, width: 1) == UInt64(index))
            #expect(screen.read(offset: 1, width: 1) == (index < 32 ? UInt64(index ^ 0x5A) : 0xFF))
        }
    }

    @Test("index and data go in one write of two bytes, as kernels move the cursor")
    func word() {
        let screen = ScreenController()
        screen.write(offset: 0, width: 2, value: 0x7B0F)
        #expect(screen.read(offset: 0, width: 2) == 0x7B0F)
    }

    @Test("who waits for the beginning or the end of a retrace does so for one read at most")
    func retrace() {
        let screen = ScreenController()
        let first = screen.read(offset: 6, width: 1)
        #expect(screen.read(offset: 6, width: 1) & 8 != first & 8)
    }

    @Test("any access is taken")
    func random() {
        let screen = ScreenController()
        var random = SplitMix64(seed: 17)
        for _ in 0..<100_000 {
            let (offset, width) = (UInt64.random(in: 0...8, using: &random), Int.random(in: 1...8, using: &random))
            screen.write(offset: offset, width: width, value: .random(in: 0 ... .max, using: &random))
            _ = screen.read(offset: offset, width: width)
        }
    }
}
