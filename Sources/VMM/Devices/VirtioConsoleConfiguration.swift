import DeviceModel
import LinuxHost
import Synchronization

/// A virtio-console for a machine.
public struct VirtioConsoleConfiguration: Sendable {
    /// Where it writes; nil for where all consoles write.
    public var output: ConsoleOutput?
    /// What it receives; nil for nothing. An input belongs to one device: the serial port must have another, or none.
    public var input: ConsoleInput?
    /// The size of what shows its output; nil where it is no terminal.
    public var window: ConsoleWindow?
    /// Beside the console itself, which is port 0: the first of these is port 1. Without any the device has the console alone.
    public var ports: [VirtioPortConfiguration]

    public init(
        output: ConsoleOutput? = nil, input: ConsoleInput? = nil, window: ConsoleWindow? = nil,
        ports: [VirtioPortConfiguration] = []
    ) {
        self.output = output
        self.input = input
        self.window = window
        self.ports = ports
    }
}

extension VirtioConsoleConfiguration: DeviceDescription {
    var slotRequest: SlotRequest {
        SlotRequest(name: "virtio-console", kind: .virtio(deviceID: 3), place: .virtio)
    }

    func check() throws(VMMError) { try VirtioPortConfiguration.check(names: ports.map(\.name)) }

    var outputs: [ConsoleOutput] { [output].compactMap(\.self) + ports.map(\.output) }
    var inputs: [ConsoleInput] { ([input] + ports.map(\.input)).compactMap(\.self) }

    func makeDevice(_ slot: DeviceSlot, _ host: MachineHost) throws(VMMError) -> any MachineDevice {
        try VirtioDevice(slot, host) { doorbell throws(HostError) in
            try VirtioConsole(self, host, doorbell: doorbell)
        }
    }
}

/// A port of a virtio-console beside the console itself: a line of bytes with a name, by which a program in the guest finds it (with
/// Linux /dev/virtio-ports/NAME).
///
/// What is at its end may go away: then the guest is told that it is closed, and what the guest goes on sending is dropped and
/// counted, while the machine runs on.
public struct VirtioPortConfiguration: Sendable {
    /// How many a console can have beside itself. Each takes a descriptor for its end, and two more when its queues are at work.
    public static let limit = 31
    /// How long a name may be, in bytes.
    public static let longestName = 64

    /// 1 to ``longestName`` letters, digits, dots, hyphens and underlines of ASCII, first no dot: a guest makes a file of that name.
    public var name: String
    public var output: ConsoleOutput
    /// Nil for nothing. An input belongs to one device.
    public var input: ConsoleInput?

    public init(name: String, output: ConsoleOutput = .discarding(), input: ConsoleInput? = nil) {
        self.name = name
        self.output = output
        self.input = input
    }

    /// Looks whether a console can have ports of these names.
    ///
    /// - Throws: `VMMError.configuration`, with the reason and the remedy.
    public static func check(names: [String]) throws(VMMError) {
        guard names.count <= limit else {
            throw .configuration(
                "\(names.count) ports are more than a virtio-console can have; give \(limit) at most")
        }
        for (index, name) in names.enumerated() {
            guard isName(name) else {
                throw .configuration(
                    "\"\(name)\" cannot be a port's name; give 1 to \(longestName) letters, digits, '.', '_' and '-', first no '.'"
                )
            }
            guard !names[..<index].contains(name) else {
                throw .configuration("two ports have the name \(name); give each its own")
            }
        }
    }

    private static func isName(_ name: String) -> Bool {
        guard (1...longestName).contains(name.utf8.count), name.utf8.first != UInt8(ascii: ".") else { return false }
        return name.utf8.allSatisfy { byte in
            switch UInt8(byte) {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte)
            }
        }
    }
}

/// What came of a port of a virtio-console.
public struct VirtioPortReport: Sendable, Equatable, Encodable {
    public let name: String
    /// How many bytes were written.
    public let bytes: UInt64
    /// How many bytes were taken from the guest and dropped, because nobody was there to take them.
    public let droppedBytes: UInt64
    /// Why it was closed for good, if it was.
    public let failure: String?
}

/// The size of the window that a virtio-console's output is shown in, and how the guest hears that it has changed. It belongs to one
/// machine.
///
/// Concurrency model: safe from any thread.
public final class ConsoleWindow: Sendable {
    private struct State {
        var size: ConsoleSize
        var observer: (@Sendable (ConsoleSize) -> Void)?
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - columns: of characters; 0 where that is not known.
    ///   - rows: the same.
    public init(columns: UInt16, rows: UInt16) {
        state = Mutex(State(size: ConsoleSize(columns: columns, rows: rows)))
    }

    var size: ConsoleSize { state.withLock { $0.size } }

    /// The window has another size now. The guest is told, if it has asked for sizes.
    public func resize(columns: UInt16, rows: UInt16) {
        let size = ConsoleSize(columns: columns, rows: rows)
        // Under the lock, so that of two changes the later one is told last.
        state.withLock { state in
            guard size != state.size else { return }
            state.size = size
            state.observer?(size)
        }
    }

    /// Calls `observer` with the size, and from now on with each new one; it must not ask for the size by itself.
    func observe(_ observer: @escaping @Sendable (ConsoleSize) -> Void) {
        state.withLock { state in
            state.observer = observer
            observer(state.size)
        }
    }
}
