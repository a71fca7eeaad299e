import DeviceModel
import TestSupport
import Testing
import VirtioDriver

@testable import VMM

/// A virtio-console with ports and its threads, and the driver of all its queues, without a machine.
final class PortsDriver {
    static let features =
        VirtioFeatures([.indirectDescriptors, .eventIndex, .consoleSize, .consolePorts]).rawValue | VirtioMMIO.version1
    private static let queueSize: UInt16 = 16

    let memory: GuestMemory
    let console: VirtioConsoleHost
    /// By number.
    var queues: [MockDriver] = []
    private let features: UInt64

    init(_ configuration: VirtioConsoleConfiguration, output: ConsoleOutput, features: UInt64 = features) throws {
        self.features = features
        let size = (Int(MockDriver.byteCount(size: Self.queueSize)) + 0x1FFF) / 0x1000 * 0x1000
        let count = configuration.ports.isEmpty ? 2 : 2 * configuration.ports.count + 4
        memory = try HostPages.makeMemory([(start: 0, size: count * size)])
        console = try VirtioConsoleHost(configuration, memory: memory, output: output)
        for index in 0..<count {
            queues.append(
                try MockDriver(
                    memory: memory, size: Self.queueSize, base: UInt64(index * size),
                    features: VirtqueueFeatures(rawValue: features)))
        }
    }

    deinit {
        _ = console.end()
    }

    var transport: VirtioMMIO { console.device.transport }
    var control: MachineControl { console.host.control }
    var portReports: [VirtioPortReport] { console.device.report.ports ?? [] }
    var hasControlMessage: Bool { console.console.hasControlMessage }

    /// A driver's start, with all queues new.
    func bringUp() throws {
        for index in queues.indices {
            let base = queues[index].layout.descriptorTable
            let zeros = [UInt8](repeating: 0, count: Int(MockDriver.end(size: Self.queueSize, base: 0)))
            try memory.write(zeros.span, at: base)
            queues[index] = try MockDriver(
                memory: memory, size: Self.queueSize, base: base.rawValue, features: queues[index].features)
        }
        // Of the features those that there are.
        transport.set(.deviceFeaturesSelect, 0)
        let offered = transport.get(.deviceFeatures) | VirtioMMIO.version1
        transport.bringUp(queues.map(\.layout), features: features & offered)
        try #require(transport.status == 15)
    }

    /// Offers a chain, and rings where the device wants it.
    func offer(_ queue: Int, readable: [[UInt8]], writable: [UInt32] = []) throws {
        try #require(try queues[queue].add(readable: readable, writable: writable) != nil)
        if try queues[queue].publish() { transport.set(.queueNotify, UInt64(queue)) }
    }

    /// Waits for a chain to come back.
    func take(_ queue: Int) throws -> [UInt8]? {
        var completion: MockDriver.Completion?
        _ = try eventually {
            completion = try queues[queue].takeBuffers()
            return completion != nil
        }
        return completion?.bytes
    }

    /// Sends bytes on a port and waits until they are taken.
    func send(_ bytes: [UInt8], port: Int) throws {
        let queue = VirtioConsole.receiveQueue(ofPort: port) + 1
        try offer(queue, readable: [bytes])
        try #require(try take(queue) != nil)
    }

    /// Sends a control message and waits until it is taken.
    func say(_ event: VirtioConsoleMessage.Event, _ port: UInt32, _ value: UInt16 = 1) throws {
        try say(VirtioConsoleMessage(port: port, event: event, value: value).bytes)
    }

    func say(_ bytes: [UInt8]) throws {
        try offer(VirtioConsole.controlTransmitQueue, readable: [bytes])
        try #require(try take(VirtioConsole.controlTransmitQueue) == [])
    }

    /// What the device tells next, in words.
    func hear(room: UInt32 = 64) throws -> String? {
        try offer(VirtioConsole.controlReceiveQueue, readable: [], writable: [room])
        guard let bytes = try take(VirtioConsole.controlReceiveQueue) else { return nil }
        guard let message = VirtioConsoleMessage(bytes) else { return "\(bytes)" }
        let rest = bytes.count > 8 ? " \(Array(bytes.dropFirst(8)))" : ""
        return "\(message.port) \(message.event) \(message.value)\(rest)"
    }

    /// Up to where all ports are set up and open in the guest.
    ///
    /// - Returns: what was told after the ports.
    func openAll() throws -> [String] {
        try bringUp()
        try say(.deviceReady, .max)
        let count = UInt32((queues.count - 2) / 2)
        for port in 0..<count { try #require(try hear() == "\(port) portAdd 0") }
        var told: [String] = []
        for port in 0..<count {
            try say(.portReady, port)
            while hasControlMessage { told.append(try hear() ?? "nothing") }
            try say(.portOpen, port)
        }
        return told
    }
}
