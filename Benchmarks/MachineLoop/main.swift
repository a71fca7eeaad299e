import VMM

// Makes, runs and ends machines with a guest of five bytes, one after the other, by the library: machine-loop COUNT. What each printed is
// collected and looked at.

let count = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 200
for _ in 0..<count {
    // mov $'A', %al; out %al, $0xE9; hlt
    let configuration = MachineConfiguration(image: .bytes([0xB0, 0x41, 0xE6, 0xE9, 0xF4]))
    let finished = try VirtualMachine(configuration).run()
    guard try finished.reason == .halted, configuration.output.collected == [0x41] else {
        print("machine-loop: it ended otherwise: \(try finished.reason)")
        break
    }
}
