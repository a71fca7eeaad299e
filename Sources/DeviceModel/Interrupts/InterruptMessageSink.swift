/// Takes an I/O APIC's messages to the local APICs.
public protocol InterruptMessageSink: AnyObject, Sendable {
    /// Delivers a message. Called from inside the I/O APIC's lock: the receiver must not call it.
    func send(_ message: InterruptMessage)

    /// From now on the end of an interrupt that one of these messages raises is to be told
    /// (``IOAPIC/endOfInterrupt(vector:)``). Called as ``send(_:)`` is.
    ///
    /// - Parameter messages: of the pins that are level-triggered and not masked, each with its pin.
    func tellEnds(of messages: [(pin: Int, message: InterruptMessage)])
}
