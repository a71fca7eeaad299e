import DeviceModel
import KVM
import Synchronization

/// Whether bytes that the guest writes to the serial port wait in KVM's ring of coalesced writes, or are exits.
///
/// It begins only after some bytes: the ring has a cost at the end of the machine, which a short greeting need not pay
/// (docs/decisions/0004-coalesced-serial-output.md).
///
/// Concurrency model: the ring is one for all vCPUs, and one thread at a time takes from it. Each drains it before it handles
/// an exit, so that the port sees all writes in their order; so does a device's thread before it prints.
final class SerialCoalescing: Sendable {
    private enum Phase: Equatable {
        /// So many bytes were exits of their own so far.
        case counting(Int)
        case on
        /// The host has no ring, the user wants none, or the guest lets the transmitter interrupt, which each byte must do at
        /// once.
        case off
    }

    private struct State: ~Copyable {
        var phase: Phase
        /// While it is on.
        var ring: CoalescedRing?
        /// How many writes waited.
        var count: UInt64 = 0
    }

    /// How many bytes are written before the ring takes over.
    static let threshold = 64
    /// More than the ring's page holds.
    private static let largestRing = 256
    private static let port = Platform.serialPorts.lowerBound

    /// Which page of a vCPU's mapping holds the ring.
    private let ringPage: Int
    private let state: Mutex<State>
    private let isOn = Atomic<Bool>(false)

    init(_ system: borrowing KVMSystem, isWanted: Bool) {
        ringPage = system.value(of: .coalescedMMIO)
        let hasRing = ringPage > 0 && system.value(of: .coalescedPorts) > 0
        state = Mutex(State(phase: isWanted && hasRing ? .counting(0) : .off))
    }

    /// Whether the ring must be drained now and then.
    var isActive: Bool { isOn.load(ordering: .acquiring) }

    /// How many writes were no exits.
    var count: UInt64 { state.withLock { $0.count } }

    /// Plays back the writes that wait in the ring.
    func drain(into ports: Bus) {
        guard isActive else { return }
        state.withLock { Self.drain(&$0, ports) }
    }

    private static func drain(_ state: inout State, _ ports: Bus) {
        for _ in 0..<largestRing {
            guard let write = state.ring?.take() else { return }
            state.count &+= 1
            ports.write(at: write.address, width: write.width, value: write.value)
        }
    }

    /// Counts a byte that was an exit.
    ///
    /// - Returns: whether the ring has taken over with it. From then on it must be drained now and then.
    func countByte(_ machine: borrowing KVMVirtualMachine, _ vcpu: borrowing KVMVCPU) throws(KVMError) -> Bool {
        try state.withLock { state throws(KVMError) in
            guard case .counting(let count) = state.phase else { return false }
            state.phase = .counting(count + 1)
            guard count + 1 >= Self.threshold else { return false }
            state.ring = try CoalescedRing(of: vcpu, page: ringPage)
            // Before the first write can wait in the ring: from then on whoever handles an exit waits here and drains it.
            isOn.store(true, ordering: .releasing)
            do throws(KVMError) {
                try machine.coalesceWrites(toPort: Self.port, count: 1)
            } catch {
                isOn.store(false, ordering: .releasing)
                throw error
            }
            state.phase = .on
            return true
        }
    }

    /// Ends it for good, with what waits in the ring played back.
    func stop(_ machine: borrowing KVMVirtualMachine, into ports: Bus) throws(KVMError) {
        try state.withLock { state throws(KVMError) in
            let wasOn = state.phase == .on
            state.phase = .off
            guard wasOn else { return }
            try machine.stopCoalescingWrites(toPort: Self.port, count: 1)
            Self.drain(&state, ports)
            // After that: whoever writes by an exit now waits here.
            isOn.store(false, ordering: .releasing)
            state.ring = nil
        }
    }
}
