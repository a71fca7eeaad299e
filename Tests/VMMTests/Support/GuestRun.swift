import TestSupport
import VMM

/// A guest's run from beginning to end, and what came of it.
struct GuestRun {
    let reason: StopReason
    /// What it wrote to its consoles, where the test did not send that elsewhere.
    let output: [UInt8]
    let report: RunReport

    /// Nothing may hang: a guest that runs for two minutes, where a test does not say otherwise, ends by its deadline. None
    /// takes more than some seconds, but it may have to share the processor with every other test. Hosts on which tests
    /// are scaled down are slower, and what hangs there must be over before the time limit for all of them.
    static let patience = Duration.seconds(TestScale.divisor == 1 ? 120 : 300)

    init(_ image: ImageSource, _ configure: (inout MachineConfiguration) -> Void = { _ in }) throws(VMMError) {
        var configuration = MachineConfiguration(image: image)
        configuration.timeout = Self.patience
        configure(&configuration)
        var machine = try VirtualMachine(configuration)
        reason = try machine.run()
        output = configuration.output.collected
        report = machine.report
    }

    /// Runs a few instructions in real mode.
    init(code: [UInt8], _ configure: (inout MachineConfiguration) -> Void = { _ in }) throws(VMMError) {
        try self.init(.bytes(code), configure)
    }

    /// Runs one of the guests of `guests/`.
    init(guest: String, _ configure: (inout MachineConfiguration) -> Void = { _ in }) throws(VMMError) {
        try self.init(.file(Guests.path(guest)), configure)
    }

    var text: String { String(decoding: output, as: UTF8.self) }
}
