import DeviceModel
import KVM
import LinuxHost
import Synchronization

/// A device some of whose writes wait in KVM's ring of coalesced writes instead of being exits.
protocol CoalescedDevice: AnyObject, Sendable {
    /// Takes a write that has waited.
    func playBack(_ write: CoalescedWrite)
}

/// KVM's ring of coalesced writes, which is one for all vCPUs and devices of a machine
/// (docs/decisions/0004-coalesced-serial-output.md).
///
/// Concurrency model: one thread at a time takes from the ring. Each vCPU drains it before it handles an exit, so that the device sees
/// all writes in their order; so does a device's loop before it prints.
final class CoalescedWrites: Sendable {
    private struct State: ~Copyable {
        var ring: CoalescedRing?
        var devices: [UInt16: any CoalescedDevice] = [:]
        /// How many writes waited.
        var count: UInt64 = 0
    }

    /// More than the ring's page holds.
    private static let largestRing = 256

    private let state: Mutex<State>
    private let isOn = Atomic<Bool>(false)
    private let zones: KVMCoalescedPorts?
    private let trace: ExitTrace?

    /// Without a ring.
    init() {
        state = Mutex(State(ring: nil))
        zones = nil
        trace = nil
    }

    /// - Parameter vcpu: one of the machine's: its mapping has the ring.
    init(
        _ system: borrowing KVMSystem, _ machine: borrowing KVMVirtualMachine, _ vcpu: borrowing KVMVCPU,
        _ trace: ExitTrace?
    ) throws(VMMError) {
        let page = system.value(of: .coalescedMMIO)
        let hasRing = page > 0 && system.value(of: .coalescedPorts) > 0
        let ring = try kvm { () throws(KVMError) in hasRing ? try CoalescedRing(of: vcpu, page: page) : nil }
        state = Mutex(State(ring: ring))
        zones = machine.coalescedPorts
        self.trace = trace
    }

    /// Whether the ring must be drained now and then.
    var isActive: Bool { isOn.load(ordering: .acquiring) }

    /// How many writes were no exits.
    var count: UInt64 { state.withLock { $0.count } }

    /// Plays back the writes that wait in the ring.
    func drain() {
        guard isActive else { return }
        state.withLock { drain(&$0) }
    }

    private func drain(_ state: inout State) {
        for _ in 0..<Self.largestRing {
            guard let write = state.ring?.take() else { return }
            state.count &+= 1
            trace?.add(
                TraceEntry(
                    time: MonotonicClock.now, vcpu: nil, kind: "coalesced", place: write.address, width: write.width,
                    values: [write.value], answerer: .port))
            state.devices[UInt16(truncatingIfNeeded: write.address)]?.playBack(write)
        }
    }

    /// From now on writes to a port wait.
    ///
    /// - Returns: false where the host has no ring or no room for the port; then they are exits as before.
    func begin(_ port: UInt16, _ device: any CoalescedDevice) -> Bool {
        state.withLock { state in
            guard state.ring != nil, let zones else { return false }
            state.devices[port] = device
            // Before the first write can wait in the ring: from then on whoever handles an exit waits here and drains it.
            isOn.store(true, ordering: .releasing)
            if (try? zones.coalesce(port)) != nil { return true }
            end(port, &state)
            return false
        }
    }

    /// Ends that, with what waits in the ring played back.
    func stop(_ port: UInt16) {
        state.withLock { state in
            guard state.devices[port] != nil else { return }
            guard (try? zones?.stop(port)) != nil else { return }
            drain(&state)
            end(port, &state)
        }
    }

    /// The machine has ended: the devices are let go.
    func end() {
        state.withLock { state in
            drain(&state)
            state.devices = [:]
        }
    }

    private func end(_ port: UInt16, _ state: inout State) {
        state.devices[port] = nil
        // After that: whoever writes by an exit now waits here.
        if state.devices.isEmpty { isOn.store(false, ordering: .releasing) }
    }
}
