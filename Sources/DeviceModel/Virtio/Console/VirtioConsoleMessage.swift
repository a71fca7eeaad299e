/// A message on a virtio-console's control queues, without what may follow it (VIRTIO 1.2 §5.3.6.2).
package struct VirtioConsoleMessage: Hashable, Sendable {
    /// What it is about. Others than these there are not.
    package enum Event: UInt16, CaseIterable, Sendable {
        /// The driver can take messages, or has failed.
        case deviceReady = 0
        /// The device tells of a port.
        case portAdd = 1
        /// The device takes a port away, which this one never does.
        case portRemove = 2
        /// The driver has set up a port, or has failed to.
        case portReady = 3
        /// The device says that a port is a console.
        case consolePort = 4
        /// The device tells the size of a console, which follows.
        case resize = 5
        /// Either side tells whether someone uses its end of a port.
        case portOpen = 6
        /// The device tells a port's name, which follows.
        case portName = 7
    }

    /// `le32 id; le16 event; le16 value`.
    package static let byteCount = 8

    package var port: UInt32
    package var event: Event
    package var value: UInt16

    package init(port: UInt32, event: Event, value: UInt16) {
        (self.port, self.event, self.value) = (port, event, value)
    }

    /// Reads a message; what follows it is left alone. Nil for one that is too short, or about nothing that is known.
    package init?(_ bytes: [UInt8]) {
        guard let port = bytes.loadLittleEndian(UInt32.self, at: 0),
            let event = bytes.loadLittleEndian(UInt16.self, at: 4).flatMap(Event.init(rawValue:)),
            let value = bytes.loadLittleEndian(UInt16.self, at: 6)
        else { return nil }
        self.init(port: port, event: event, value: value)
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(port)
        bytes.appendLittleEndian(event.rawValue)
        bytes.appendLittleEndian(value)
        return bytes
    }
}

/// The size of a console, in characters; 0 where it is not known.
package struct ConsoleSize: Hashable, Sendable {
    package var columns: UInt16
    package var rows: UInt16

    package init(columns: UInt16, rows: UInt16) {
        self.columns = columns
        self.rows = rows
    }

    /// `le16 cols; le16 rows`, as the configuration space and a RESIZE message have them (VIRTIO 1.2 §5.3.4, §5.3.6.2).
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(columns)
        bytes.appendLittleEndian(rows)
        return bytes
    }
}

/// What a virtio-console can do beyond one port of bytes (VIRTIO 1.2 §5.3.3).
extension VirtioFeatures {
    /// VIRTIO_CONSOLE_F_SIZE: the configuration has the console's size.
    package static let consoleSize = VirtioFeatures(rawValue: 1 << 0)
    /// VIRTIO_CONSOLE_F_MULTIPORT: there are control queues, and may be several ports.
    package static let consolePorts = VirtioFeatures(rawValue: 1 << 1)
    /// VIRTIO_CONSOLE_F_EMERG_WRITE: a byte written to the configuration is printed.
    package static let consoleEmergencyWrite = VirtioFeatures(rawValue: 1 << 2)
}
