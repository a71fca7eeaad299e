import CKVM
import Glibc
import LinuxHost
import Synchronization
import SystemPackage

/// A virtual CPU: its registers, and the run from one exit to the next.
///
/// One thread at a time uses it, and it may move between threads. Only ``kicker`` is for other threads.
public struct KVMVCPU: ~Copyable, @unchecked Sendable {
    let descriptor: OwnedDescriptor
    private let runPage: RunPage
    private let resources: VirtualMachineResources
    /// Whether the last run ended with an exit that the run page shows: a kick leaves the one before it there.
    private var hasExit = false
    /// How often since the last exit KVM has asked to try again, with the vCPU ready to run.
    private var refusals = 0

    /// The most of that: KVM loses a race once or twice. After the first ones each takes a millisecond, as KVM has no event that tells
    /// when a thread can be made.
    private static let maximumRefusals = 200

    /// Stops ``run()`` from any thread.
    public let kicker = VCPUKicker()

    init(
        descriptor: consuming OwnedDescriptor, runMappingSize: Int, resources: VirtualMachineResources
    ) throws(KVMError) {
        runPage = try RunPage(descriptor: descriptor, size: runMappingSize)
        self.descriptor = descriptor
        self.resources = resources
    }

    /// Runs the guest until its next exit. A read that the last exit asked for is answered by then with
    /// ``withPortData(_:)`` or ``answerMMIORead(_:)``.
    ///
    /// Allocates nothing.
    /// - Returns: `.interrupted` after a kick or another signal, which may come without one (a kick that is already served).
    /// - Throws: `KVMError.call` when the host cannot run it at all, `.cannotRun` when it only ever asks to try again.
    public mutating func run() throws(KVMError) -> VCPUExit {
        hasExit = false
        if kicker.prepareThread() { return .interrupted }
        let result = runPage.run(descriptor)
        if result >= 0 {
            hasExit = true
            refusals = 0
            return runPage.exit
        }
        switch Int32(truncatingIfNeeded: -result) {
        case EINTR:
            kicker.served()
            return .interrupted
        case EAGAIN:
            try noteRefusal()
            return .interrupted
        case let code:
            throw .call("run the vCPU", Errno(rawValue: code))
        }
    }

    /// The vCPU waits for its start-up, or KVM lost a race that it asks to try again: the caller may stop instead. Or it can never run:
    /// KVM says the same when the kernel can make no thread for it.
    private mutating func noteRefusal() throws(KVMError) {
        guard try activity() == .runnable else {
            refusals = 0
            return
        }
        refusals += 1
        guard refusals <= Self.maximumRefusals else { throw .cannotRun(.resourceTemporarilyUnavailable) }
        // A kick ends it, and the caller looks at the deadline after each.
        if refusals > 10 { usleep(1000) }
    }

    /// Completes the last exit without entering the guest, after which its registers are those behind the instruction on every host and
    /// may be changed: what is left of an exit that waits for its next run would undo a change.
    public mutating func finishExit() throws(KVMError) {
        hasExit = false
        _ = try KVMError.check(runPage.finishExit(descriptor), "finish an exit of the vCPU")
    }

    /// The data of the last port exit: `count` elements of `width` bytes, little-endian, to be read for a write and filled
    /// for a read. Empty after an exit of another kind, and after a kick.
    public mutating func withPortData<Result>(_ body: (inout MutableSpan<UInt8>) -> Result) -> Result {
        runPage.withPortData(isThere: hasExit, body)
    }

    /// Gives the value that the last MMIO read asked for, little-endian in its low bytes.
    public mutating func answerMMIORead(_ value: UInt64) {
        runPage.answerMMIORead(value)
    }

    /// Refuses what the last exit, `.msrRead` or `.msrWrite`, asked for: the guest gets #GP, as on a processor without the register.
    public mutating func refuseMSR() {
        runPage.refuseMSR()
    }
}

/// Ends a vCPU's run from any thread, at any time, before the first run or after the last one too. A kick says nothing
/// about why: set what you ask for, then kick; the vCPU's thread looks at it after each `.interrupted`.
///
/// It is a real-time signal (`SIGRTMIN + 4`) to the thread that runs the vCPU, whose handler is installed when KVM is opened.
public final class VCPUKicker: Sendable {
    private let thread = Atomic<Int32>(0)
    private let pending = Atomic<Bool>(false)
    /// Kicks where the system takes no more signals: a timer's has its room from the start.
    private let reserve = Mutex<KickTimer?>(nil)

    init() {}

    /// The vCPU's run ends, or its next one does before the guest is entered.
    public func kick() {
        pending.store(true, ordering: .sequentiallyConsistent)
        let thread = thread.load(ordering: .sequentiallyConsistent)
        guard thread != 0, !KickSignal.send(to: thread) else { return }
        reserve.withLock { try? $0?.arm(after: 1, every: 0) }
    }

    /// Notes the calling thread as the one that runs the vCPU: kicks end its waits, also before the first run.
    public func noteThread() {
        let current = KickSignal.accept()
        if thread.load(ordering: .relaxed) != current {
            reserve.withLock { $0 = try? KickTimer() }
            thread.store(current, ordering: .sequentiallyConsistent)
        }
    }

    /// The same, before a run.
    ///
    /// - Returns: whether a kick came that no run has ended for yet.
    func prepareThread() -> Bool {
        noteThread()
        guard pending.load(ordering: .sequentiallyConsistent) else { return false }
        served()
        return true
    }

    /// A run ended by a signal. What a kick asked for was set before it, so that the caller sees it after this.
    func served() {
        pending.store(false, ordering: .sequentiallyConsistent)
    }
}
