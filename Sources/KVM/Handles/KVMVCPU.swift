import CKVM
import Glibc

/// A virtual CPU: its registers, and the run from one exit to the next.
///
/// One thread at a time uses it, and it may move between threads. Only ``kicker`` is for other threads.
public struct KVMVCPU: ~Copyable, @unchecked Sendable {
    let descriptor: OwnedDescriptor
    private let runPage: RunPage
    private let resources: VirtualMachineResources
    /// Whether the last run ended with an exit that the run page shows: a kick leaves the one before it there.
    private var hasExit = false

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
    /// - Throws: `KVMError.call` when the host cannot run it at all.
    public mutating func run() throws(KVMError) -> VCPUExit {
        hasExit = false
        if kicker.prepareThread() { return .interrupted }
        let result = runPage.run(descriptor)
        if result >= 0 {
            hasExit = true
            return runPage.exit
        }
        switch Int32(truncatingIfNeeded: -result) {
        case EINTR:
            kicker.served()
            return .interrupted
        case EAGAIN:
            // The vCPU waits for its start-up, or KVM lost a race that it asks to try again: the caller may stop instead.
            return .interrupted
        case let code:
            throw .call("run the vCPU", SystemError(code: code))
        }
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
}
