/// A message-signalled interrupt: a write of `data` to `address`, where the local APICs listen (Intel SDM vol. 3A, "Message
/// Signalled Interrupts").
public struct InterruptMessage: Equatable, Sendable {
    public let address: UInt64
    public let data: UInt32

    init(address: UInt64, data: UInt32) {
        (self.address, self.data) = (address, data)
    }

    /// What an I/O APIC sends for a redirection entry.
    init(_ entry: RedirectionEntry) {
        let destination = UInt64(entry.destination) << 12
        let mode: UInt64 = entry.isLogical ? 1 << 2 : 0
        // The hint that lowest priority needs.
        let hint: UInt64 = entry.deliveryMode == 1 ? 1 << 3 : 0
        address = 0xFEE0_0000 | destination | hint | mode
        // A level's message says that it is one, and asserted.
        let level: UInt32 = entry.isLevelTriggered ? 0xC000 : 0
        data = level | UInt32(entry.deliveryMode) << 8 | UInt32(entry.vector)
    }
}
