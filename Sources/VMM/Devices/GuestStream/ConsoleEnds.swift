/// An end of a console in this process that is told when its machine is over.
protocol ConsoleEnd: Sendable {
    func machineEnded()
}

/// Tells the ends of a configuration's consoles that their machine is over: by a call when its run has ended; else when the machine
/// goes, or could not be made.
final class ConsoleEnds: Sendable {
    private let ends: [any ConsoleEnd]

    init(_ configuration: MachineConfiguration) {
        let own: [(any ConsoleEnd)?] = [configuration.output, configuration.input, configuration.screen?.output]
        ends = (own + configuration.devices.flatMap(\.description.consoleEnds)).compactMap(\.self)
    }

    deinit { machineEnded() }

    /// Again and again does no harm.
    func machineEnded() {
        for end in ends { end.machineEnded() }
    }
}
