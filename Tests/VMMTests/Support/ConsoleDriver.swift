import DeviceModel
import TestSupport
import Testing
import VirtioDriver

@testable import VMM

/// A virtio-console with its threads, and the driver of both its queues, without a machine.
final class ConsoleDriver {
    static let features = VirtioFeatures([.indirectDescriptors, .eventIndex]).rawValue | VirtioMMIO.version1
    private static let queueSize: UInt16 = 16

    let memory: GuestMemory
    private let console: VirtioConsoleHost
    /// What the serial port and the console print.
    let output: ConsoleOutput
    var receive: MockDriver
    var transmit: MockDriver
    private let features: UInt64

    init(output: ConsoleOutput, input: ConsoleInput? = nil, features: UInt64 = features) throws {
        self.output = output
        self.features = features
        let size = Int(MockDriver.byteCount(size: Self.queueSize)) + 0x1000
        memory = try HostPages.makeMemory([(start: 0, size: 2 * size)])
        console = try VirtioConsoleHost(VirtioConsoleConfiguration(input: input), memory: memory, output: output)
        let queueFeatures = VirtqueueFeatures(rawValue: features)
        let base = UInt64(size) / 0x1000 * 0x1000
        receive = try MockDriver(memory: memory, size: Self.queueSize, base: 0, features: queueFeatures)
        transmit = try MockDriver(memory: memory, size: Self.queueSize, base: base, features: queueFeatures)
    }

    deinit {
        _ = console.end()
    }

    var transport: VirtioMMIO { console.device.transport }
    var control: MachineControl { console.host.control }
    var byteCount: UInt64 { console.device.report.consoleBytes ?? 0 }

    /// Lets the device go on until it is idle, as the end of a run does, and ends it.
    ///
    /// - Returns: whether it was idle, and how much output nobody took.
    func finish(unless shouldGiveUp: () -> Bool) -> (isIdle: Bool, abandoned: UInt64) {
        console.finish(unless: shouldGiveUp)
    }

    /// A driver's start, with both queues new.
    func bringUp() throws {
        receive = try Self.renewed(receive)
        transmit = try Self.renewed(transmit)
        transport.bringUp([receive.layout, transmit.layout], features: features)
        #expect(transport.status == 15)
    }

    private static func renewed(_ old: MockDriver) throws -> MockDriver {
        let zeros = [UInt8](repeating: 0, count: Int(MockDriver.end(size: queueSize, base: 0)))
        try old.memory.write(zeros.span, at: old.layout.descriptorTable)
        return try MockDriver(
            memory: old.memory, size: queueSize, base: old.layout.descriptorTable.rawValue, features: old.features)
    }

    /// Offers a buffer of output, and rings where the device wants it.
    func send(_ bytes: [UInt8]) throws {
        try #require(try transmit.add(readable: [bytes]) != nil)
        if try transmit.publish() { transport.set(.queueNotify, 1) }
    }

    /// Offers room for input, and rings where the device wants it.
    func offerRoom(_ count: UInt32) throws {
        try #require(try receive.add(readable: [], writable: [count]) != nil)
        if try receive.publish() { transport.set(.queueNotify, 0) }
    }

    /// Takes the next buffer that the device gives back.
    func takeSent() throws -> MockDriver.Completion? {
        var completion: MockDriver.Completion?
        _ = try eventually {
            completion = try transmit.takeBuffers()
            return completion != nil
        }
        return completion
    }

    /// Waits for input.
    func takeReceived() throws -> [UInt8]? {
        var completion: MockDriver.Completion?
        _ = try eventually {
            completion = try receive.takeBuffers()
            return completion != nil
        }
        return completion?.bytes
    }

    /// The error that ended the run, if one has.
    var failure: VMMError? {
        if case .failed(let error) = control.outcome { error } else { nil }
    }
}
