/// A virtio-console for a machine.
public struct VirtioConsoleConfiguration: Sendable {
    /// Where it writes; nil for where all consoles write.
    public var output: ConsoleOutput?
    /// What it receives; nil for nothing. An input belongs to one device: the serial port must have another, or none.
    public var input: ConsoleInput?

    public init(output: ConsoleOutput? = nil, input: ConsoleInput? = nil) {
        self.output = output
        self.input = input
    }
}
