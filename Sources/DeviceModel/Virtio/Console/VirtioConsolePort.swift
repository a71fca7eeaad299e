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
