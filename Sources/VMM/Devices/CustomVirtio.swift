import DeviceModel
import LinuxHost
import Synchronization

/// A virtio device of an embedder's own (VIRTIO 1.2 §2), behind a virtio-mmio transport whose place and interrupt line the machine
/// chooses. Feature negotiation, queues, doorbell, interrupts and resets are the machine's; what a request means is the device's.
///
/// ```swift
/// final class UpperCase: CustomVirtioDevice {
///     func handle(_ request: VirtioRequest) {
///         request.complete(with: Array(String(decoding: request.bytes, as: UTF8.self).uppercased().utf8))
///     }
/// }
/// configuration.devices.append(
///     .customVirtio(CustomVirtioConfiguration(name: "upper", deviceID: 0x8000) { _ in UpperCase() }))
/// ```
public struct CustomVirtioConfiguration: Sendable {
    /// The most bytes of ``configurationSpace`` that a driver can see: the rest of the transport's page.
    public static let largestConfigurationSpace = 3840
    /// The most that ``largestRequest`` can be, in bytes.
    public static let largestLimit = 4 << 20

    /// In reports and messages; no two devices have the same one.
    public var name: String
    /// By which a driver knows it (VIRTIO 1.2 §5), not 0. The specification's own numbers may be taken too, by a device that keeps to
    /// what it says of them.
    public var deviceID: UInt32
    /// Offered besides those of the queues: bits that the specification leaves to each kind of device, 0 to 23 and from 50 on
    /// (VIRTIO 1.2 §2.2).
    public var features: VirtioFeatures
    /// What the driver reads from offset 0x100 of the transport on (VIRTIO 1.2 §2.5), integers with their lowest byte first. It cannot
    /// write it; the device can, by ``CustomVirtioParts/configurationSpace``.
    public var configurationSpace: [UInt8]
    /// How many virtqueues, 1 to 64. Each has up to 256 entries, and so at most as many requests at a time.
    public var queueCount: Int
    /// How many bytes to read a request may have, up to ``largestLimit``. They are copied when the request is taken, so that a guest can
    /// have the host hold 256 times as many for each queue. A longer request is the driver's
    /// mistake: the device then asks for a reset (DEVICE_NEEDS_RESET, VIRTIO 1.2 §2.1.2) and the report says why.
    public var largestRequest: Int
    /// Makes the device when the machine is made.
    public var make: @Sendable (CustomVirtioParts) -> any CustomVirtioDevice

    public init(
        name: String, deviceID: UInt32, features: VirtioFeatures = [], configurationSpace: [UInt8] = [],
        queueCount: Int = 1, largestRequest: Int = 64 << 10,
        make: @escaping @Sendable (CustomVirtioParts) -> any CustomVirtioDevice
    ) {
        self.name = name
        self.deviceID = deviceID
        self.features = features
        self.configurationSpace = configurationSpace
        self.queueCount = queueCount
        self.largestRequest = largestRequest
        self.make = make
    }
}

/// What a machine gives a virtio device of an embedder's own.
public struct CustomVirtioParts: Sendable {
    /// What the driver reads, to be changed later.
    public let configurationSpace: VirtioConfigurationSpace
    /// Where the device ends the run, or resets the machine.
    public let events: MachineEventLatch
    /// Where it was put.
    public let slot: DeviceSlot
}

/// A virtio device of an embedder's own, to which a machine brings what its driver asks.
///
/// The machine makes these calls one at a time, on a thread that it has for this device alone, and none while it is paused. A call may
/// take its time, or wait: the guest goes on meanwhile, and can offer no more than its queues have entries. But it must not wait for
/// the machine: pausing the machine waits for the call, and so does the end of a run that nobody has asked for.
public protocol CustomVirtioDevice: AnyObject, Sendable {
    /// A driver has set the device up (DRIVER_OK, VIRTIO 1.2 §3.1.1), perhaps not the first: what was agreed with another one is over.
    ///
    /// - Parameter features: those of ``CustomVirtioConfiguration/features`` that it has taken.
    func driverIsReady(features: VirtioFeatures)

    /// A driver asks something. The answer may be given now or later, from any thread and in any order.
    func handle(_ request: VirtioRequest)

    /// The driver has taken back a queue and all that it has asked there, by resetting the queue or the device. Forget those requests:
    /// completing them does nothing, and who keeps them lets a guest fill the host's memory.
    func queueStopped(_ queue: Int)

    /// The run is over, and nothing more is called. It comes on the thread that ran the machine, and does not wait for a call that has not
    /// come back 200 ms after the end. Of a machine that is never run it does not come.
    func machineEnded()
}

extension CustomVirtioDevice {
    public func driverIsReady(features: VirtioFeatures) {}
    public func queueStopped(_ queue: Int) {}
    public func machineEnded() {}
}

extension CustomVirtioConfiguration: DeviceDescription {
    var slotRequest: SlotRequest {
        SlotRequest(name: name, kind: .virtio(deviceID: deviceID), place: .virtio)
    }

    func check() throws(VMMError) {
        try checkName(name)
        guard deviceID != 0 else {
            throw .configuration(
                "the virtio device \(name) has the device ID 0, which says that there is no device; give it another number"
            )
        }
        let reserved = features.subtracting(.deviceSpecific).rawValue
        guard reserved == 0 else {
            let bits = (0..<64).filter { reserved &>> $0 & 1 == 1 }.map(String.init).joined(separator: ", ")
            throw .configuration(
                "the virtio device \(name) has the feature bits \(bits), which are not for a device to choose; use 0 to 23, or 50 to 63"
            )
        }
        guard (1...64).contains(queueCount) else {
            throw .configuration("the virtio device \(name) cannot have \(queueCount) queues; give it 1 to 64")
        }
        guard (1...Self.largestLimit).contains(largestRequest) else {
            throw .configuration(
                "the virtio device \(name) cannot take requests of \(largestRequest) bytes; let it take 1 to \(Self.largestLimit)"
            )
        }
        guard configurationSpace.count <= Self.largestConfigurationSpace else {
            throw .configuration(
                "the virtio device \(name) has \(configurationSpace.count) bytes of configuration, and a driver sees \(Self.largestConfigurationSpace) at most; give it fewer"
            )
        }
    }

    func makeDevice(_ slot: DeviceSlot, _ host: MachineHost) throws(VMMError) -> any MachineDevice {
        try VirtioDevice(slot, host) { doorbell throws(HostError) in
            try CustomVirtioBackend(self, slot, host, doorbell)
        }
    }
}

/// What stands between the transport and an embedder's device.
private final class CustomVirtioBackend: VirtioMachineBackend {
    let deviceID: UInt32
    let features: VirtioFeatures
    let queues: VirtioQueues
    private let offered: VirtioFeatures
    private let space: VirtioConfigurationSpace
    private let caller: DeviceCaller
    private let loop: EventLoop
    private let session = Mutex<VirtioSession?>(nil)

    init(
        _ configuration: CustomVirtioConfiguration, _ slot: DeviceSlot, _ host: MachineHost, _ doorbell: VirtioDoorbell?
    ) throws(HostError) {
        deviceID = configuration.deviceID
        offered = configuration.features
        features = offered.union([.indirectDescriptors, .eventIndex])
        let space = VirtioConfigurationSpace(configuration.configurationSpace)
        let parts = CustomVirtioParts(configurationSpace: space, events: host.events, slot: slot)
        let caller = DeviceCaller(configuration.make(parts), on: try host.loops.worker(), host)
        let loop = try host.loops.light()
        queues = VirtioQueues(
            (0..<configuration.queueCount).map { index in
                let task = RequestTask(
                    for: caller, memory: host.memory, queue: index, limit: configuration.largestRequest)
                return QueueRunner(task, queue: index, on: loop, doorbell: doorbell, host: host)
            })
        self.space = space
        self.caller = caller
        self.loop = loop
    }

    var queueSizes: [UInt16] { queues.sizes }
    var configuration: VirtioConfiguration { space.value }

    func begin() throws(HostError) {
        space.begin(on: loop)
        try queues.begin()
    }

    func activate(_ session: VirtioSession) {
        self.session.withLock { $0 = session }
        space.connect(session)
        caller.driverIsReady(session.features.intersection(offered))
    }

    func start(_ queue: consuming Virtqueue, index: Int) {
        guard let session = session.withLock({ $0 }) else { return }
        queues.start(queue, index, session)
    }

    func reset() {
        session.withLock { $0 = nil }
        space.connect(nil)
        caller.driverIsGone()
    }

    func complete(_ report: inout DeviceReport) { report.requests = caller.requestCount }

    func end() -> UInt64 {
        defer {
            space.end()
            caller.end()
        }
        return queues.end()
    }
}

/// What a driver reads of a virtio device of an embedder's own (VIRTIO 1.2 §2.5). Any thread may change it.
public final class VirtioConfigurationSpace: Sendable {
    private struct State {
        /// What the driver sees.
        var value: VirtioConfiguration
        /// What it is to see next.
        var next: [UInt8]?
        var session: VirtioSession?
        /// Has ``apply()`` called; nil before the run and after it.
        var wake: EventLoop.Work?
    }

    private let state: Mutex<State>

    init(_ bytes: [UInt8]) {
        state = Mutex(State(value: VirtioConfiguration(bytes: bytes)))
    }

    var value: VirtioConfiguration { state.withLock { $0.value } }

    /// Changes all of it, and tells the driver by a configuration change notification (VIRTIO 1.2 §2.3), soon; of a machine that is
    /// paused when it goes on. Of several changes that come before the driver can look it may see the last alone.
    ///
    /// - Parameter bytes: the whole space, of which a driver sees ``CustomVirtioConfiguration/largestConfigurationSpace`` bytes.
    public func replace(with bytes: [UInt8]) {
        let (isFirst, wake) = state.withLock { state in
            defer { state.next = bytes }
            return (state.next == nil, state.wake)
        }
        guard let wake else { return apply() }
        if isFirst { wake() }
    }

    private func apply() {
        let session = state.withLock { state -> VirtioSession? in
            guard let bytes = state.next.take(), state.value.replace(with: bytes) else { return nil }
            return state.session
        }
        session?.configurationChanged()
    }

    fileprivate func begin(on loop: EventLoop) {
        state.withLock { state in
            state.wake = { [weak self] in loop.post { [weak self] in self?.apply() } }
        }
    }

    fileprivate func connect(_ session: VirtioSession?) {
        state.withLock { $0.session = session }
    }

    /// Lets go of the loop, which whoever holds this need not keep.
    fileprivate func end() {
        let wake = state.withLock { $0.wake.take() }
        extendLifetime(wake)
    }
}
