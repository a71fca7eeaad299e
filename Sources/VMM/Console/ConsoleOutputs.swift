/// All the outputs of a machine: the one of its consoles, and the serial port's own where it has one.
struct ConsoleOutputs: Sendable {
    let main: ConsoleOutput
    private let ownSerial: ConsoleOutput?

    init(main: ConsoleOutput, serial: ConsoleOutput?) {
        self.main = main
        ownSerial = serial === main ? nil : serial
    }

    /// Where the serial port writes.
    var serial: ConsoleOutput { ownSerial ?? main }

    /// How many bytes wait to be flushed.
    var pendingCount: Int { main.pendingCount + (ownSerial?.pendingCount ?? 0) }

    /// Whether so much waits that it should be written before more comes.
    var isFull: Bool { main.isFull || ownSerial?.isFull ?? false }

    /// Writes out what is held back, as `ConsoleOutput.flush(waits:unless:)` does.
    func flush(waits: Bool = false, unless shouldGiveUp: (_ idle: Int64) -> Bool) -> ConsoleOutput.FlushResult {
        let result = main.flush(waits: waits, unless: shouldGiveUp)
        guard result == .done, let ownSerial else { return result }
        return ownSerial.flush(waits: waits, unless: shouldGiveUp)
    }
}
