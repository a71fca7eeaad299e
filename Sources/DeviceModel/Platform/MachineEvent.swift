import Synchronization

/// What a guest asked of the whole machine.
public enum MachineEvent: Equatable, Sendable {
    /// End the run with this status.
    case exit(status: UInt8)
    /// Reset the machine.
    case reset(ResetCause)
    /// Switch the machine off.
    case powerOff
    /// The guest's kernel has panicked.
    case panic
}

/// By what a guest has reset the machine.
public enum ResetCause: String, Sendable {
    /// A boot sector's: INT 19h, a jump to the processor's reset vector, or Ctrl-Alt-Del.
    case bios
    /// Port 0x64 or, by its output port, 0x60.
    case keyboardController
    /// Port 0x92.
    case port92
    /// Port 0xCF9.
    case resetControl
}

/// Keeps the first thing that the guest asked of the whole machine, for the run loop to see.
///
/// Concurrency model: devices signal from any thread. ``event`` costs one atomic load as long as there is none, so the
/// run loop can ask after each exit.
public final class MachineEventLatch: Sendable {
    private let isSet = Atomic(false)
    private let first = Mutex<MachineEvent?>(nil)

    /// An empty latch.
    public init() {}

    /// Keeps the event, unless there was one before.
    public func signal(_ event: MachineEvent) {
        first.withLock { first in
            if first == nil { first = event }
        }
        // After the event itself, so that whoever sees the flag finds the event.
        isSet.store(true, ordering: .releasing)
    }

    /// The first event, or nil as long as there is none.
    public var event: MachineEvent? {
        guard isSet.load(ordering: .acquiring) else { return nil }
        return first.withLock { $0 }
    }
}
