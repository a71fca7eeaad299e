/// An end of a console in this process that is told when its machine is over.
protocol ConsoleEnd: Claimable {
    func machineEnded()
}

/// Tells the ends of a configuration's consoles that their machine is over: by a call when its run has ended; else when the machine
/// goes, or could not be made.
final class ConsoleEnds: Sendable {
    private let ends: [any ConsoleEnd]

    init(_ ends: [any ConsoleEnd]) {
        self.ends = ends
    }

    deinit { machineEnded() }

    /// Again and again does no harm.
    func machineEnded() {
        for end in ends { end.machineEnded() }
    }
}

extension MachineConfiguration {
    /// Outputs come first: of a stream's two ends they tell better whose they are.
    var consoleEnds: [any ConsoleEnd] {
        let devices = devices.map(\.description)
        let outputs = [output, screen?.output].compactMap(\.self) + devices.flatMap(\.outputs)
        let inputs = [input].compactMap(\.self) + devices.flatMap(\.inputs)
        return outputs.map { $0 as any ConsoleEnd } + inputs.map { $0 as any ConsoleEnd }
    }
}
