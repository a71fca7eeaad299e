import DeviceModel
import KVM
import Synchronization

/// What all vCPUs of a machine have in common.
final class SharedMachine: Sendable {
    let configuration: MachineConfiguration
    let outputs: ConsoleOutputs
    let platform: Platform
    let memory: GuestMemory
    let kvm: KVMVirtualMachine
    let hasInterruptControllers: Bool
    let coalescing: SerialCoalescing
    let control: RunControl
    let sleepWatch: SleepWatch
    private let watcher = Mutex<(InputWatcher, HelperThread?)?>(nil)

    init(
        _ configuration: MachineConfiguration, _ platform: Platform, _ memory: GuestMemory, outputs: ConsoleOutputs,
        kvm: consuming KVMVirtualMachine, hasInterruptControllers: Bool, coalescing: SerialCoalescing,
        control: RunControl
    ) {
        self.configuration = configuration
        self.outputs = outputs
        self.platform = platform
        self.memory = memory
        self.kvm = kvm
        self.hasInterruptControllers = hasInterruptControllers
        self.coalescing = coalescing
        self.control = control
        sleepWatch = SleepWatch(vcpuCount: configuration.vcpuCount)
    }

    /// Brings input to the serial port, from the first time on that the guest waits for an interrupt instead of looking.
    func watchInput() throws(KVMError) {
        guard let input = configuration.input else { return }
        try watcher.withLock { watcher throws(KVMError) in
            guard watcher == nil else { return }
            let new = try InputWatcher(input, for: platform.serial)
            watcher = (new, try new.start())
        }
    }

    func stopWatchingInput() {
        let watcher = watcher.withLock { $0.take() }
        watcher?.0.stop()
        watcher?.1?.stop()
    }

    /// Writes all output that the guest has made. The machine runs no more.
    func finishOutput(unless shouldGiveUp: (_ idle: Int64) -> Bool) -> ConsoleOutput.FlushResult {
        let result = outputs.flush(waits: true, unless: shouldGiveUp)
        guard let console = platform.virtioConsole else { return result }
        // Where one reader takes nothing, those of its ports may.
        let last = console.finish(unless: shouldGiveUp)
        return result == .done ? last : result
    }

    /// The same for a run that was stopped: a reader that takes nothing is waited for only so long, in nanoseconds. So is one that
    /// does take what the virtio-console was offered, which can be a million times what the other consoles hold back.
    func finishOutput(patience: Int64) -> ConsoleOutput.FlushResult {
        let result = outputs.flush(waits: true) { idle in idle > patience }
        guard let console = platform.virtioConsole else { return result }
        let end = MonotonicClock.now + patience
        let last = console.finish { _ in MonotonicClock.now > end }
        return result == .done ? last : result
    }

    /// What someone outside asks for, if anything.
    func requestedStop(_ deadline: Deadline) -> StopReason? {
        if control.stopIsRequested { return .stopped }
        if let signal = StopSignals.caught { return .signal(signal) }
        return deadline.isOver ? .deadline : nil
    }
}
