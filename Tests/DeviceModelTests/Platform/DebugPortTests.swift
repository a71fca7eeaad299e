import DeviceModel
import Testing

@Suite("Debug console and POST code")
struct DebugPortTests {
    @Test("the debug console prints bytes in order and answers with its own number")
    func debugConsole() {
        let output = ByteRecorder()
        let console = DebugConsole(output: output)
        #expect(console.read(offset: 0, width: 1) == 0xE9)
        for byte in [0x00, 0x41, 0xFF] as [UInt64] {
            console.write(offset: 0, width: 1, value: byte)
        }
        #expect(output.bytes == [0x00, 0x41, 0xFF])
    }

    @Test("the last POST code is kept, and all are counted")
    func postCode() {
        let port = POSTCode()
        #expect(port.last == nil)
        #expect(port.count == 0)
        #expect(port.read(offset: 0, width: 1) == 0xFF)
        port.write(offset: 0, width: 1, value: 0x55)
        port.write(offset: 0, width: 1, value: 0x00)
        #expect(port.last == 0x00)
        #expect(port.count == 2)
        #expect(port.read(offset: 0, width: 1) == 0x00)
    }
}
