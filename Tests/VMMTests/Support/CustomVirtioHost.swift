import DeviceModel
import LinuxHost
import Synchronization
import TestSupport
import Testing
import VirtioDriver

@testable import VMM

/// An embedder's device that notes what it is told, and answers as a test has it.
final class NotedDevice: CustomVirtioDevice {
    private struct State {
        var calls: [String] = []
        var kept: [VirtioRequest] = []
    }

    private let state = Mutex(State())
    private let onRequest: @Sendable (NotedDevice, VirtioRequest) -> Void

    /// - Parameter onRequest: keeps each request unless it is told otherwise.
    init(_ onRequest: @escaping @Sendable (NotedDevice, VirtioRequest) -> Void = { $0.keep($1) }) {
        self.onRequest = onRequest
    }

    var calls: [String] { state.withLock { $0.calls } }
    /// How many came of its driver, and not of the end.
    var driverCalls: Int { calls.count { $0 != "ended" } }
    func note(_ call: String) { state.withLock { $0.calls.append(call) } }
    func keep(_ request: VirtioRequest) { state.withLock { $0.kept.append(request) } }
    var keptCount: Int { state.withLock { $0.kept.count } }

    /// Takes all that were kept, the first one first.
    func takeKept() -> [VirtioRequest] {
        state.withLock { state in
            defer { state.kept = [] }
            return state.kept
        }
    }

    func driverIsReady(features: VirtioFeatures) { note("ready \(features.rawValue)") }
    func queueStopped(_ queue: Int) {
        note("stopped \(queue)")
        let stale = state.withLock { state in
            let stale = state.kept.filter { $0.queue == queue }
            state.kept.removeAll { $0.queue == queue }
            return stale
        }
        extendLifetime(stale)
    }
    func machineEnded() { note("ended") }

    func handle(_ request: VirtioRequest) {
        note("request \(request.queue) \(request.bytes.count) \(request.room)")
        onRequest(self, request)
    }
}

/// An embedder's virtio device with its threads, and the drivers of its queues, without a machine.
final class CustomVirtioHost {
    static let queueSize: UInt16 = 16
    private static let stride: UInt64 = 0x20000
    private static let spareSize = 0x80000

    let host: MachineHost
    let device: VirtioDevice
    let memory: GuestMemory
    /// Where memory begins that no queue and no buffer of a driver's lies in.
    let spare: UInt64
    var drivers: [MockDriver]
    private let features: UInt64
    private var hasEnded = false

    init(
        _ own: any CustomVirtioDevice, features: VirtioFeatures = [.indirectDescriptors, .eventIndex],
        _ change: (inout CustomVirtioConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = CustomVirtioConfiguration(name: "own", deviceID: 0x8000) { _ in own }
        change(&configuration)
        try configuration.check()
        spare = Self.stride * UInt64(configuration.queueCount)
        memory = try HostPages.makeMemory([(start: 0, size: Int(spare) + Self.spareSize)])
        host = try MachineHost(memory: memory, output: ConsoleOutput())
        let slot = DeviceSlot(name: "own", kind: .virtio(deviceID: 0x8000), ranges: [.memory(0..<0x1000)], gsi: 5)
        device = try #require(try configuration.makeDevice(slot, host) as? VirtioDevice)
        self.features = features.rawValue | VirtioMMIO.version1
        drivers = []
        for index in 0..<configuration.queueCount {
            drivers.append(
                try MockDriver(
                    memory: memory, size: Self.queueSize, base: Self.stride * UInt64(index),
                    features: VirtqueueFeatures(rawValue: self.features)))
        }
        try device.begin()
        try host.loops.start {}
    }

    deinit { end() }

    func end() {
        guard !hasEnded else { return }
        hasEnded = true
        host.loops.end()
        _ = device.end()
    }

    var transport: VirtioMMIO { device.transport }
    var fault: String? { transport.fault?.description }

    func pause() { for loop in host.loops.all { loop.pauseDevices() } }
    func resume() { for loop in host.loops.all { loop.resumeDevices() } }

    /// A driver's start, with new queues.
    func bringUp() throws {
        // First: from then on the device writes no ring.
        transport.set(.status, 0)
        for index in drivers.indices {
            let old = drivers[index]
            let zeros = [UInt8](repeating: 0, count: Int(MockDriver.end(size: Self.queueSize, base: 0)))
            try memory.write(zeros.span, at: old.layout.descriptorTable)
            drivers[index] = try MockDriver(
                memory: memory, size: Self.queueSize, base: old.layout.descriptorTable.rawValue, features: old.features)
        }
        transport.bringUp(drivers.map(\.layout), features: features)
        #expect(transport.status == 15)
    }

    /// Offers a chain, and rings where the device wants it.
    @discardableResult
    func ask(_ readable: [[UInt8]], room: [UInt32] = [], queue: Int = 0) throws -> UInt16 {
        let head = try #require(try drivers[queue].add(readable: readable, writable: room))
        if try drivers[queue].publish() { transport.set(.queueNotify, UInt64(queue)) }
        return head
    }

    /// Waits for the next chain that comes back.
    func take(queue: Int = 0) throws -> MockDriver.Completion? {
        var completion: MockDriver.Completion?
        _ = try eventually {
            completion = try drivers[queue].takeBuffers()
            return completion != nil
        }
        return completion
    }
}
