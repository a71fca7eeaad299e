import Glibc
import KVM
import Synchronization
import TestSupport

/// A guest that exits once a round and then would never exit again, unless it is let into the next round: a kick that is
/// lost on the way into it is lost for good.
final class RoundGuest: Sendable {
    private static let code: [UInt8] = [
        0xE6, 0x80,  // outb %al, $0x80
        0x38, 0x1E, 0x00, 0x20,  // cmpb %bl, 0x2000: the number of rounds that the host has seen end
        0x74, 0xFA,  // je to the cmpb
        0xFE, 0xC3,  // incb %bl
        0xEB, 0xF4,  // jmp to the outb
    ]

    private let entered = Atomic<Int>(0)
    private let ended = Atomic<Int>(0)
    private let kicker = Mutex<VCPUKicker?>(nil)
    private let failure = Mutex<String?>(nil)
    private let thread = Mutex<HostThread?>(nil)

    init(rounds: Int) {
        thread.withLock { thread in
            thread = HostThread { [self] in
                do {
                    var machine = try TestMachine(Self.code)
                    kicker.withLock { $0 = machine.vcpu.kicker }
                    for round in 1...rounds where error == nil {
                        try run(&machine.vcpu, round: round)
                        // From now on it may be the watchdog that has ended the run, in place of a kick that was lost.
                        if machine.isOverdue { failure.withLock { $0 = "round \(round): it took too long" } }
                        machine.memory.store([UInt8(truncatingIfNeeded: round)], at: 0x2000)
                        ended.store(round, ordering: .sequentiallyConsistent)
                    }
                } catch {
                    failure.withLock { $0 = "\(error)" }
                }
            }
        }
    }

    /// What went wrong on the guest's thread, or nil.
    var error: String? { failure.withLock { $0 } }

    /// Waits until the guest's thread is about to enter the guest for the part of the round that never ends.
    func waitForEntry(round: Int) -> Bool {
        // Without sleep: the kick must be close behind. But where the processors are busy, the guest needs one of them.
        let end = ContinuousClock.now + TestScale.patience
        repeat {
            for _ in 0..<2_000 where entered.load(ordering: .sequentiallyConsistent) >= round { return true }
            if error != nil { return false }
            sched_yield()
        } while ContinuousClock.now < end
        return false
    }

    func kick() {
        kicker.withLock { $0 }?.kick()
    }

    /// Whether the kick of the round was seen.
    func waitForEnd(round: Int) -> Bool {
        eventually { ended.load(ordering: .sequentiallyConsistent) >= round || error != nil } && error == nil
    }

    func join() {
        thread.withLock { $0 }?.join()
    }

    private func run(_ vcpu: inout KVMVCPU, round: Int) throws {
        // A kick may end two runs, so that one of the round before may come now. It is not this round's, which nobody
        // has kicked yet.
        var exit = try vcpu.run()
        while exit == .interrupted { exit = try vcpu.run() }
        entered.store(round, ordering: .sequentiallyConsistent)
        exit = try vcpu.run()
        if exit != .interrupted { failure.withLock { $0 = "round \(round): \(exit)" } }
    }
}
