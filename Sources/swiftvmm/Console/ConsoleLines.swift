import VMM

/// The ends of all consoles of a machine, open for one run.
struct ConsoleLines {
    /// How long the end of the run waits for readers to take the rest, of all together.
    private static let lastPatience = Duration.milliseconds(200)

    let serial: ConsoleLine
    /// Nil where the machine has no virtio-console.
    let virtio: ConsoleLine?
    /// In the order of the virtio-console's ports.
    let ports: [ConsoleLine]

    /// - Parameters:
    ///   - ports: of the virtio-console, beside the console itself.
    ///   - standardInput: which console gets it, if that is connected to the standard streams.
    init(
        serial: ConsoleBackEnd, virtio: ConsoleBackEnd?, ports: [VirtioPort], standardInput: ConsoleDevice,
        image: String
    ) throws(Failure) {
        var open: [ConsoleLine] = []
        do throws(Failure) {
            let line = try ConsoleLine(
                serial, of: ConsoleDevice.uart.label, hasStandardInput: standardInput == .uart, image: image)
            open.append(line)
            self.serial = line
            if let virtio {
                let line = try ConsoleLine(
                    virtio, of: ConsoleDevice.virtio.label, hasStandardInput: standardInput == .virtio, image: image)
                open.append(line)
                self.virtio = line
            } else {
                self.virtio = nil
            }
            let first = open.count
            for port in ports { open.append(try ConsoleLine(port.end, of: port.label, image: image)) }
            self.ports = Array(open[first...])
        } catch {
            Self.close(open)
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
        Self.close([serial] + (virtio.map { [$0] } ?? []) + ports)
    }

    private static func close(_ lines: [ConsoleLine]) {
        let deadline = ContinuousClock.now + lastPatience
        for line in lines { line.close(by: deadline) }
    }
}
