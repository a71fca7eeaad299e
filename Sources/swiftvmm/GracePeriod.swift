import Glibc
import LinuxHost
import VMM

/// What `--grace` asks for: the first SIGTERM of a run presses the guest's power button, and ends the run only so long after. A second one
/// ends it at once, as the first does without the option.
final class GracePeriod: MachineAttachment {
    private let nanoseconds: Int64
    private let control: MachineControl
    private let event: EventFD
    private let loop = Monitor<EventLoop?>(nil)
    /// What sends the signal again.
    private let timer = Monitor<Int?>(nil)

    /// - Parameter seconds: above 0 and below a thousand million.
    init(seconds: Double, of control: MachineControl) throws(VMMError) {
        nanoseconds = Int64(seconds * 1e9)
        self.control = control
        do throws(HostError) { event = try EventFD() } catch { throw .host(error) }
    }

    func begin(on loop: EventLoop) throws(HostError) {
        self.loop.change { $0 = loop }
        // A guest that is paused hears of it when it goes on.
        try loop.watch(event.number, .control) { [weak self] in self?.end(by: SIGTERM) }
        StopSignals.divertNext(SIGTERM, to: event)
    }

    func end() {
        StopSignals.endDiversion()
        if let loop = loop.change({ $0.take() }) { loop.unwatch(event.number) }
        // The guest has ended in time: what is said of its end must not be cut off.
        if let timer = timer.change({ $0.take() }) { StopSignals.cancel(timer) }
    }

    private func end(by signal: Int32) {
        guard event.take() > 0 else { return }
        if control.pressPowerButton() {
            StandardStreams.say("SIGTERM: pressed the guest's power button; a second one ends the run at once")
            timer.change { $0 = StopSignals.send(signal, after: nanoseconds) }
        } else {
            StandardStreams.say("SIGTERM: the guest knows of no power button; ending the run")
            StopSignals.send(signal, after: 0)
        }
    }
}
