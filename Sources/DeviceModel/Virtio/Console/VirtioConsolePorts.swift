/// The ports of a virtio-console and what its driver says and is told of them by the control queues (VIRTIO 1.2 §5.3.6.2): a pure
/// value, bounded whatever the driver does.
///
/// The driver says that it can take messages; it is told of each port; it says of each that it is set up, and is told what that is,
/// which name it has, and whether someone is at the other end. Messages that no driver may send, about ports that are not there or
/// out of this order, change nothing: the specification knows no answer to them.
package struct VirtioConsolePorts: Hashable, Sendable {
    package private(set) var ports: [VirtioConsolePort]
    /// Nil where it is not known; of the console.
    package private(set) var size: ConsoleSize?
    /// Whether the driver takes messages.
    package private(set) var isDriverReady = false

    /// - Parameters:
    ///   - ports: the console first.
    ///   - size: the console's, where it is known.
    package init(_ ports: [VirtioConsolePort], size: ConsoleSize?) {
        self.ports = ports
        self.size = size
    }

    /// What the driver has said and was told means nothing any more.
    package mutating func reset() {
        isDriverReady = false
        for index in ports.indices { ports[index].forget() }
    }

    /// The driver has sent a message.
    package mutating func receive(_ message: VirtioConsoleMessage) {
        if message.event == .deviceReady { return setDriverReady(message.value != 0) }
        guard let index = Int(exactly: message.port), ports.indices.contains(index) else { return }
        switch message.event {
        case .portReady where ports[index].stage == .added:
            if message.value == 0 {
                ports[index].stage = .failed
            } else {
                ports[index].becomeReady(hasSize: size != nil)
            }
        case .portOpen where ports[index].stage == .ready:
            ports[index].isGuestOpen = message.value != 0
        default: break
        }
    }

    /// Whether someone has come to the host's end of a port, or has gone.
    package mutating func setHostOpen(_ isOpen: Bool, port index: Int) {
        guard ports.indices.contains(index) else { return }
        ports[index].setHostOpen(isOpen)
    }

    /// The console has another size. A driver that has set up the console is told.
    package mutating func resize(to new: ConsoleSize) {
        guard new != size else { return }
        size = new
        for index in ports.indices where ports[index].isConsole && ports[index].stage == .ready {
            ports[index].due.insert(.size)
        }
    }

    /// Whether the driver is to be told anything.
    package var hasMessage: Bool { ports.contains { !$0.due.isEmpty } }

    /// The next message for the driver, with what follows it, if it fits: it goes whole or not at all.
    ///
    /// - Parameter room: in bytes.
    /// - Returns: nil where there is none, or where it does not fit and stays due.
    package mutating func takeMessage(upTo room: UInt64) -> [UInt8]? {
        guard let index = ports.firstIndex(where: { !$0.due.isEmpty }) else { return nil }
        let (kind, bytes) = message(index)
        guard UInt64(bytes.count) <= room else { return nil }
        ports[index].due.remove(kind)
        if kind == .add { ports[index].stage = .added }
        if kind == .open { ports[index].toldOpen = ports[index].isHostOpen }
        return bytes
    }

    private func message(_ index: Int) -> (VirtioConsolePort.Due, [UInt8]) {
        let port = ports[index]
        func make(_ event: VirtioConsoleMessage.Event, _ value: UInt16) -> [UInt8] {
            VirtioConsoleMessage(port: UInt32(truncatingIfNeeded: index), event: event, value: value).bytes
        }
        if port.due.contains(.add) { return (.add, make(.portAdd, 0)) }
        if port.due.contains(.console) { return (.console, make(.consolePort, 1)) }
        if port.due.contains(.size) { return (.size, make(.resize, 0) + (size?.bytes ?? [0, 0, 0, 0])) }
        if port.due.contains(.name) { return (.name, make(.portName, 1) + port.name) }
        return (.open, make(.portOpen, port.isHostOpen ? 1 : 0))
    }

    /// A driver that has failed knows of no port; it may try again. One that says again that it is ready is told nothing twice: no
    /// port may be added that exists.
    private mutating func setDriverReady(_ isReady: Bool) {
        guard isReady != isDriverReady else { return }
        reset()
        isDriverReady = isReady
        if isReady { for index in ports.indices { ports[index].due = .add } }
    }
}
