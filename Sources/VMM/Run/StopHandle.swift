/// Ends a machine's run from any thread.
public final class StopHandle: Sendable {
    private let control: RunControl

    init(_ control: RunControl) {
        self.control = control
    }

    /// The run ends with ``StopReason/stopped``: within a millisecond or so where its vCPUs run the guest, within some tens where
    /// one waits for a reader of its output. One that has not begun ends at once.
    public func stop() {
        control.requestStop()
    }
}
