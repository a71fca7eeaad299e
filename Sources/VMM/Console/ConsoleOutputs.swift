/// All the outputs of a machine: the one of its consoles, and those of their own that the serial port and the virtio-console have.
struct ConsoleOutputs: Sendable {
    let main: ConsoleOutput
    /// Where the serial port writes.
    let serial: ConsoleOutput
    /// Each once, the main one first.
    private let all: [ConsoleOutput]

    init(main: ConsoleOutput, serial: ConsoleOutput?, virtio: ConsoleOutput? = nil) {
        self.main = main
        self.serial = serial ?? main
        all = [serial, virtio].reduce(into: [main]) { all, output in
            if let output, !all.contains(where: { $0 === output }) { all.append(output) }
        }
    }

    /// How many bytes wait to be flushed.
    var pendingCount: Int { all.reduce(0) { $0 + $1.pendingCount } }

    /// Whether so much waits that it should be written before more comes.
    var isFull: Bool { all.contains { $0.isFull } }

    /// Writes out what is held back, as `ConsoleOutput.flush(waits:unless:)` does.
    func flush(waits: Bool = false, unless shouldGiveUp: (_ idle: Int64) -> Bool) -> ConsoleOutput.FlushResult {
        for output in all {
            let result = output.flush(waits: waits, unless: shouldGiveUp)
            guard result == .done else { return result }
        }
        return .done
    }
}
