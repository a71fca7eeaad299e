import LinuxHost

/// An eventfd that handlers and tests share.
final class SharedEvent: Sendable {
    private let event: EventFD

    init() throws(HostError) {
        event = try EventFD()
    }

    var number: Int32 { event.number }
    func signal() { event.signal() }
    func take() -> UInt64 { event.take() }
}
