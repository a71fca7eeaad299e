import TestSupport

@testable import VMM

extension MachineDescription {
    /// One of the many that there are; most of them a machine can be made of.
    static func random(_ random: inout SplitMix64) -> MachineDescription {
        var machine = MachineDescription()
        func maybe<Value>(_ value: @autoclosure () -> Value) -> Value? {
            Bool.random(using: &random) ? value() : nil
        }
        machine.image = "some folder/guest \"\(UInt8.random(in: 0...255, using: &random))\""
        machine.format = maybe(ImageFormat.flat)
        machine.mode = maybe(CPUMode.allCases.randomElement(using: &random) ?? .real)
        machine.placement.load = maybe(.address(UInt64.random(in: 0...1 << 21, using: &random)))
        machine.placement.entry = maybe(
            .segment(UInt16.random(in: 0...0xFFFF, using: &random), offset: UInt16.random(in: 0...99, using: &random)))
        machine.memory = maybe([5, 2 << 20, 3 << 20, 64 << 20, 5 << 30, .max].randomElement(using: &random) ?? 0)
        machine.vcpus = Int.random(in: 0...8, using: &random)
        machine.commandLine = maybe("a=b \u{1F600} \"quoted\\") ?? ""
        machine.interruptControllers = InterruptControllers.allCases.randomElement(using: &random) ?? .auto
        machine.devices = (0..<Int.random(in: 0...6, using: &random)).map { _ in Device.random(&random) }
        machine.eventfds = Bool.random(using: &random)
        machine.timeout = maybe(Double(Int.random(in: 1...100_000, using: &random)) / 1000)
        return machine
    }
}

extension MachineDescription.Device {
    fileprivate static func random(_ random: inout SplitMix64) -> MachineDescription.Device {
        switch Int.random(in: 0...4, using: &random) {
        case 0: .serial(.com1, coalescing: Bool.random(using: &random))
        case 1: .serial(.com2, coalescing: true)
        case 2:
            .virtioConsole(ports: [["a"], ["a", "b.c"], ["a", "a"], [""], []].randomElement(using: &random) ?? [])
        case 3: .disk(path: "disk", readOnly: Bool.random(using: &random))
        default: .rng
        }
    }
}
