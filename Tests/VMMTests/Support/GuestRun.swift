import TestSupport
import VMM

/// A guest's run from beginning to end, and what came of it.
struct GuestRun {
    let reason: StopReason
    /// What it wrote to its consoles, where the test did not send that elsewhere.
    let output: [UInt8]
    let report: RunReport

    init(_ image: ImageSource, _ configure: (inout MachineConfiguration) -> Void = { _ in }) throws(VMMError) {
        var configuration = MachineConfiguration(image: image)
        configuration.timeout = TestScale.patience
        configure(&configuration)
        let machine = try VirtualMachine(configuration)
        let finished = machine.run()
        reason = try finished.reason
        output = configuration.output.collected
        report = finished.report
    }

    /// Runs a few instructions in real mode.
    init(code: [UInt8], _ configure: (inout MachineConfiguration) -> Void = { _ in }) throws(VMMError) {
        try self.init(.bytes(code)) {
            // Whatever its first bytes are.
            $0.format = .flat
            configure(&$0)
        }
    }

    /// Runs one of the guests of `guests/`.
    init(guest: String, _ configure: (inout MachineConfiguration) -> Void = { _ in }) throws(VMMError) {
        try self.init(.file(Guests.path(guest)), configure)
    }

    var text: String { String(decoding: output, as: UTF8.self) }
}

extension MachineConfiguration {
    /// Why no machine can be made of it; nil where one can.
    var refusal: VMMError? {
        do throws(VMMError) {
            _ = try VirtualMachine(self)
            return nil
        } catch {
            return error
        }
    }

    /// Changes the serial port that every machine has unless told otherwise.
    mutating func setSerial(_ change: (inout UARTConfiguration) -> Void) {
        guard case .uart(var uart)? = devices.first else { return }
        change(&uart)
        devices[0] = .uart(uart)
    }
}
