import CKVM

/// A timer that kicks the thread that made it, so that a run, or a blocked system call, comes back in time. No thread is
/// needed for it.
public struct KickTimer: ~Copyable {
    private let timer: Int

    /// For the calling thread, disarmed.
    public init() throws(KVMError) {
        timer = ckvm_timer_create(ckvm_prepare_thread())
        guard timer >= 0 else { throw .call("create a timer", SystemError(code: Int32(truncatingIfNeeded: -timer))) }
    }

    deinit {
        ckvm_timer_delete(timer)
    }

    /// Kicks after `delay` and then each `interval` until it is armed anew, so that a kick which comes while nothing can
    /// be interrupted is not the last. Both in nanoseconds, `delay` at least 1.
    public func arm(after delay: Int64, every interval: Int64) throws(KVMError) {
        let result = ckvm_timer_set(timer, max(1, delay), max(0, interval))
        guard result >= 0 else { throw .call("arm a timer", SystemError(code: Int32(truncatingIfNeeded: -result))) }
    }

    public func disarm() {
        _ = ckvm_timer_set(timer, 0, 0)
    }
}
