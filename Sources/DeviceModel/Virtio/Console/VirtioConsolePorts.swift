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

/// What is known of one port of a virtio-console, and what its driver is still to be told of it (VIRTIO 1.2 §5.3.6.2).
///
/// Messages are not kept: a port has a mark for each kind that is due, and a message is made when there is a buffer for it. So what
/// a driver that offers none leaves waiting has a bound, and it is told what is true then.
package struct VirtioConsolePort: Hashable, Sendable {
    /// How far the driver has come with it.
    package enum Stage: Hashable, Sendable {
        /// It was not told of it yet.
        case unknown
        case added
        /// It has set it up.
        case ready
        /// It could not.
        case failed
    }

    /// Kinds of messages, in the order in which they are sent.
    package struct Due: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let add = Due(rawValue: 1)
        package static let console = Due(rawValue: 2)
        package static let size = Due(rawValue: 4)
        package static let name = Due(rawValue: 8)
        package static let open = Due(rawValue: 16)
    }

    /// UTF-8; empty where it has none.
    package let name: [UInt8]
    package let isConsole: Bool
    /// Whether there is someone at the host's end.
    package var isHostOpen: Bool
    package var stage = Stage.unknown
    /// Whether someone uses it in the guest.
    package var isGuestOpen = false
    /// What the driver believes of the host's end.
    package var toldOpen = false
    package var due: Due = []

    package init(name: [UInt8], isConsole: Bool, isHostOpen: Bool) {
        (self.name, self.isConsole, self.isHostOpen) = (name, isConsole, isHostOpen)
    }

    /// As it was before the driver knew of anything.
    mutating func forget() {
        self = VirtioConsolePort(name: name, isConsole: isConsole, isHostOpen: isHostOpen)
    }

    /// The driver has set it up; now it may be told the rest, the size where there is one.
    mutating func becomeReady(hasSize: Bool) {
        stage = .ready
        if isConsole { due.formUnion(hasSize ? [.console, .size] : .console) }
        if !name.isEmpty { due.insert(.name) }
        markOpen()
    }

    /// Someone has come to the host's end, or has gone.
    mutating func setHostOpen(_ isOpen: Bool) {
        isHostOpen = isOpen
        markOpen()
    }

    /// A change that is taken back before it was told need not be.
    private mutating func markOpen() {
        guard stage == .ready, isHostOpen != toldOpen else {
            due.remove(.open)
            return
        }
        due.insert(.open)
    }
}
