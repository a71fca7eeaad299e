import KVM
import Synchronization
import TestSupport

/// A guest that runs on a thread of its own, whatever it exits for, until it is told to end.
final class RunningGuest: Sendable {
    private struct Interruption {
        /// The number of the last request that its thread saw after it.
        var request = 0
        var time = ContinuousClock.now
        var count = 0
    }

    private let requested = Atomic<Int>(0)
    private let shouldEnd = Atomic<Bool>(false)
    private let exits = Atomic<Int>(0)
    private let kicker = Mutex<VCPUKicker?>(nil)
    private let last = Mutex(Interruption())
    private let failure = Mutex<String?>(nil)
    private let thread = Mutex<HostThread?>(nil)

    /// - Parameters:
    ///   - prepare: runs on the guest's thread before anything else there.
    ///   - makeVCPU: makes the vCPU on that thread, and what it needs to live.
    init(_ code: [UInt8], prepare: @escaping @Sendable () -> Void = {}) {
        thread.withLock { thread in
            thread = HostThread { [self] in
                prepare()
                do {
                    var machine = try TestMachine(code)
                    let end = machine.watchdogTime
                    try run(&machine.vcpu, until: end)
                } catch {
                    fail("\(error)")
                }
            }
        }
    }

    /// Runs a vCPU that was made elsewhere. The caller keeps its machine, and gives the vCPU up.
    init(_ vcpu: consuming KVMVCPU) {
        let box = VCPUBox(vcpu)
        thread.withLock { thread in
            thread = HostThread { [self] in
                do {
                    try run(&box.vcpu, until: .now + TestScale.patience)
                } catch {
                    fail("\(error)")
                }
            }
        }
    }

    /// How often a run came back as interrupted.
    var interruptionCount: Int { last.withLock { $0.count } }
    /// How many exits of other kinds there were.
    var exitCount: Int { exits.load(ordering: .sequentiallyConsistent) }
    /// What went wrong on the guest's thread, or nil.
    var error: String? { failure.withLock { $0 } }

    /// Waits until the guest is about to run for the first time.
    func waitUntilReady() -> Bool {
        eventually { kicker.withLock { $0 != nil } || error != nil } && error == nil
    }

    /// Asks for something and kicks, as a program does.
    ///
    /// - Returns: the request's number.
    @discardableResult
    func request() -> Int {
        let number = requested.add(1, ordering: .sequentiallyConsistent).newValue
        kicker.withLock { $0 }?.kick()
        return number
    }

    /// Waits until the guest's thread has seen the request.
    ///
    /// - Returns: when it did, or nil when it never does.
    func whenSeen(_ request: Int) -> ContinuousClock.Instant? {
        guard eventually({ last.withLock { $0.request >= request } || error != nil }) else { return nil }
        return last.withLock { $0.request >= request ? $0.time : nil }
    }

    /// Ends the guest and its thread.
    func end() {
        shouldEnd.store(true, ordering: .sequentiallyConsistent)
        request()
        thread.withLock { $0 }?.join()
    }

    private func run(_ vcpu: inout KVMVCPU, until watchdogTime: ContinuousClock.Instant) throws {
        kicker.withLock { $0 = vcpu.kicker }
        while true {
            let exit = try vcpu.run()
            guard exit == .interrupted else {
                exits.add(1, ordering: .relaxed)
                continue
            }
            // From now on it may be the watchdog that has ended the run, in place of a kick that was lost.
            if ContinuousClock.now >= watchdogTime { return fail("it took too long") }
            let number = requested.load(ordering: .sequentiallyConsistent)
            last.withLock { $0 = Interruption(request: number, time: .now, count: $0.count + 1) }
            if shouldEnd.load(ordering: .sequentiallyConsistent) { return }
        }
    }

    private func fail(_ text: String) {
        failure.withLock { $0 = text }
    }
}

/// Carries a vCPU to the thread that runs it.
private final class VCPUBox: @unchecked Sendable {
    // One thread makes the box, and another one uses it after that.
    var vcpu: KVMVCPU

    init(_ vcpu: consuming KVMVCPU) {
        self.vcpu = vcpu
    }
}
