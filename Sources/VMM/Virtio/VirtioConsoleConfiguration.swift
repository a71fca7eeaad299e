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
