import DeviceModel
import Glibc
import LinuxHost

/// A virtio entropy device for a machine (VIRTIO 1.2 §5.4): random bytes of the host's.
public struct EntropyConfiguration: Sendable {
    public init() {}
}

extension EntropyConfiguration: DeviceDescription {
    var slotRequest: SlotRequest {
        SlotRequest(name: "rng", isNumbered: true, kind: .virtio(deviceID: 4), place: .virtio)
    }

    func makeDevice(_ slot: DeviceSlot, _ host: MachineHost) throws(VMMError) -> any MachineDevice {
        try VirtioDevice(slot, host) { doorbell throws(HostError) in
            PlainVirtioBackend(
                deviceID: 4,
                queues: [
                    QueueRunner(
                        EntropyTask(memory: host.memory), queue: 0, on: try host.loops.light(), doorbell: doorbell,
                        host: host)
                ])
        }
    }
}

/// What an entropy device does with its queue: it fills each buffer with random bytes, at least one of them and not always all
/// (VIRTIO 1.2 §5.4.6.1).
private struct EntropyTask: QueueTask {
    /// The most that one buffer gets, in bytes: a driver may offer gigabytes at once.
    private static let longest: UInt64 = 4096
    /// The most that the system gives at once (getentropy(3)).
    private static let longestCall = 256

    private var buffer: WritableChain

    init(memory: GuestMemory) {
        buffer = WritableChain(memory: memory)
    }

    mutating func work(
        on queue: inout Virtqueue, _ session: VirtioSession, unless mustYield: () -> Bool
    ) throws(VirtqueueError) -> QueueProgress {
        repeat {
            try queue.suppressNotifications()
            while try buffer.hold(from: &queue) {
                let random = Self.randomBytes(Int(min(buffer.bytes.count, Self.longest)))
                let count = buffer.bytes.fill(from: random[...])
                try queue.addUsed(buffer.chain, written: UInt32(clamping: count))
                buffer.reset()
                if try queue.publish() { session.raiseUsedBufferInterrupt(queue: 0) }
                if mustYield() { return .again }
            }
        } while try queue.enableNotifications()
        return .waits
    }

    mutating func reset() {
        buffer.reset()
    }

    /// As many as asked for; fewer only where the system has none, which it always has.
    private static func randomBytes(_ count: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
            while filled < count {
                let part = min(longestCall, count - filled)
                // SAFETY: the part lies inside the bytes, of which there are `count`.
                guard unsafe getentropy(bytes.baseAddress?.advanced(by: filled), part) == 0 else { return }
                filled += part
            }
        }
    }
}
