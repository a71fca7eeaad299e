import VMM

// Runs three guests, each on a machine with a device that this program brings along:
//     swift run --package-path Examples/OwnDevices
let root = try await run(SquareRoot.guest, .real, [SquareRoot.configuration])
print("The square root of 1764 is \(root.status ?? "missing").")

let ticks = try await run(Timer.guest, .protected, [Timer.configuration]) { $0.interruptControllers = .full }
print("The timer has interrupted \(ticks.status ?? "no") times.")

let text = try await run(UpperCase.guest, .protected, [UpperCase.configuration])
print("The device has made of the text: \(text.output)")

/// - Returns: the status with which the guest ended the run, and what it printed.
func run(
    _ guest: [UInt8], _ mode: CPUMode, _ devices: [DeviceConfiguration],
    _ change: (inout MachineConfiguration) -> Void = { _ in }
) async throws -> (status: String?, output: String) {
    let output = ConsoleOutput()
    var configuration = MachineConfiguration(image: .bytes(guest), output: output)
    configuration.format = .flat
    configuration.mode = mode
    configuration.devices += devices
    configuration.timeout = .seconds(60)
    change(&configuration)
    let reason = try await VirtualMachine(configuration).run().reason
    guard case .exited(let status) = reason else {
        print("A guest ended otherwise than it should: \(reason)")
        return (nil, "")
    }
    return ("\(status)", String(decoding: output.collected, as: UTF8.self))
}
