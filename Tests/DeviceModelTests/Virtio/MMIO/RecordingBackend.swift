import DeviceModel
import Synchronization

/// A device that does nothing but remember what its transport asked of it.
final class RecordingBackend: VirtioBackend {
    enum Call: Hashable {
        case activate(features: UInt64)
        case start(Int, VirtqueueLayout, features: UInt64)
        case stop(Int)
        case notify(Int)
        case reset
        case write(offset: Int, width: Int, value: UInt64)
    }

    private struct State {
        var calls: [Call] = []
        var session: VirtioSession?
        var configuration: VirtioConfiguration
    }

    let deviceID: UInt32
    let features: VirtioFeatures
    let queueSizes: [UInt16]
    private let keepsCalls: Bool
    private let onCall: @Sendable (Call, VirtioSession?) -> Void
    private let state: Mutex<State>

    /// - Parameter onCall: what the device does inside a call, after it was remembered, with the last session.
    init(
        deviceID: UInt32 = 3, features: VirtioFeatures = [], queueSizes: [UInt16] = [8, 4], configuration: [UInt8] = [],
        keepsCalls: Bool = true, onCall: @escaping @Sendable (Call, VirtioSession?) -> Void = { _, _ in }
    ) {
        self.deviceID = deviceID
        self.features = features
        self.queueSizes = queueSizes
        self.keepsCalls = keepsCalls
        self.onCall = onCall
        state = Mutex(State(configuration: VirtioConfiguration(bytes: configuration)))
    }

    var calls: [Call] { state.withLock { $0.calls } }
    /// The session of the last activation, also after a reset: for calls that are late.
    var session: VirtioSession? { state.withLock { $0.session } }
    var configuration: VirtioConfiguration { state.withLock { $0.configuration } }

    func takeCalls() -> [Call] {
        state.withLock { state in
            defer { state.calls = [] }
            return state.calls
        }
    }

    /// Changes the configuration and says nothing.
    func setConfiguration(_ bytes: [UInt8]) -> Bool {
        state.withLock { $0.configuration.replace(with: bytes) }
    }

    func writeConfiguration(offset: Int, width: Int, value: UInt64) {
        record(.write(offset: offset, width: width, value: value))
    }

    func activate(_ session: VirtioSession) {
        state.withLock { $0.session = session }
        record(.activate(features: session.features.rawValue))
    }

    func start(_ queue: consuming Virtqueue, index: Int) {
        record(.start(index, queue.layout, features: queue.features.rawValue))
    }

    func stop(queue index: Int) { record(.stop(index)) }
    func notify(queue index: Int) { record(.notify(index)) }
    func reset() { record(.reset) }

    private func record(_ call: Call) {
        let session = state.withLock { state in
            if keepsCalls { state.calls.append(call) }
            return state.session
        }
        onCall(call, session)
    }
}
