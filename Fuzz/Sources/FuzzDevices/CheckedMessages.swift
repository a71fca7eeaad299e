import DeviceModel

/// Messages of the I/O APIC, which go to local APICs and nowhere else.
final class CheckedMessages: InterruptMessageSink {
    func send(_ message: InterruptMessage) {
        precondition(message.address >> 20 == 0xFEE && message.data & ~0xC7FF == 0)
    }

    func tellEnds(of messages: [(pin: Int, message: InterruptMessage)]) {
        precondition(messages.count <= 24 && messages.allSatisfy { $0.message.data & 0xC000 == 0xC000 })
    }
}
