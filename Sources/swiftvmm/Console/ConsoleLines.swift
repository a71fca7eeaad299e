import VMM

/// The ends of all consoles of a machine, open for one run.
struct ConsoleLines {
    let serial: ConsoleLine
    /// Nil where the machine has no virtio-console.
    let virtio: ConsoleLine?

    /// - Parameter standardInput: which console gets it, if that is connected to the standard streams.
    init(
        serial: ConsoleBackEnd, virtio: ConsoleBackEnd?, standardInput: ConsoleDevice, image: String
    ) throws(Failure) {
        let line = try ConsoleLine(serial, of: .uart, hasStandardInput: standardInput == .uart, image: image)
        self.serial = line
        do throws(Failure) {
            self.virtio =
                if let virtio {
                    try ConsoleLine(virtio, of: .virtio, hasStandardInput: standardInput == .virtio, image: image)
                } else { nil }
        } catch {
            line.close()
            throw error
        }
    }

    /// What gets the terminal's keys, where one does.
    var terminalInput: ConsoleInput? {
        let line = [serial, virtio].first { $0?.isTerminal == true }
        return line??.input
    }

    /// The run is over.
    func close() {
        serial.close()
        virtio?.close()
    }
}
