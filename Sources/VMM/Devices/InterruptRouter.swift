import DeviceModel
import KVM
import LinuxHost
import Synchronization

/// Which interrupt controllers and timers a machine has.
public enum InterruptControllers: String, CaseIterable, Sendable {
    /// What the boot protocol and the number of vCPUs ask for.
    case auto
    /// None: HLT ends the run, the natural end of a tiny guest.
    case none
    /// A local APIC for each vCPU in the kernel, and an I/O APIC outside: no PICs and no 8254. HLT sleeps.
    case split
    /// A PC's, in the kernel: two PICs, an I/O APIC, a local APIC for each vCPU, and the timer (8254). HLT sleeps.
    case full
}

extension KVMIRQLine: InterruptLine {}

extension KVMMSI: InterruptMessageSink {
    public func send(_ message: InterruptMessage) {
        send(address: message.address, data: message.data)
    }

    public func tellEnds(of messages: [(pin: Int, message: InterruptMessage)]) {
        tellEnds(of: messages.map { (pin: $0.pin, address: $0.message.address, data: $0.message.data) })
    }
}

/// Where devices' interrupts go: to the controllers, if there are any, and to a vCPU that sleeps by hypercall until one comes.
///
/// Concurrency model: safe from any thread.
final class InterruptRouter: Sendable {
    private enum Controllers {
        case none
        /// In the kernel, with lines.
        case kernel(KVMIRQLines)
        /// An I/O APIC of the machine's own, which sends messages.
        case own(IOAPIC)
    }

    private final class Line: InterruptLine {
        private let router: InterruptRouter
        private let next: (any InterruptLine)?
        private let isHigh = Atomic<Bool>(false)

        init(_ router: InterruptRouter, _ next: (any InterruptLine)?) {
            self.router = router
            self.next = next
        }

        func setLevel(_ high: Bool) {
            next?.setLevel(high)
            // Said twice, it is still one line.
            if isHigh.exchange(high, ordering: .sequentiallyConsistent) != high { router.lineChanged(high) }
        }
    }

    private let controllers: Controllers
    /// Signalled when a line rises while someone sleeps.
    private let event: EventFD
    private let highLines = Atomic<Int>(0)
    private let sleepers = Atomic<Int>(0)

    /// Without any.
    init() throws(VMMError) {
        event = try host { () throws(HostError) in try EventFD() }
        controllers = .none
    }

    /// Makes the controllers, before the memory is mapped and the first vCPU is there.
    ///
    /// - Parameter asBIOSLeavesThem: whether a PC's are as its BIOS leaves them, and not as they are when the power comes on.
    init(
        _ kind: InterruptControllers, asBIOSLeavesThem: Bool, _ machine: borrowing KVMVirtualMachine
    ) throws(VMMError) {
        event = try host { () throws(HostError) in try EventFD() }
        do throws(KVMError) {
            switch kind {
            case .auto, .none: controllers = .none
            case .split:
                try machine.makeLocalInterruptControllers()
                controllers = .own(IOAPIC(sink: machine.msi))
            case .full:
                try machine.makeInterruptControllers()
                try machine.makeTimer()
                if asBIOSLeavesThem { try machine.doBIOSSetUp() }
                controllers = .kernel(machine.irqLines)
            }
        } catch {
            throw .kvm(error)
        }
    }

    /// Whether HLT sleeps, in the kernel.
    var exist: Bool { if case .none = controllers { false } else { true } }

    /// Whether lines lead into the kernel, where an irqfd can raise them.
    var areInKernel: Bool { if case .kernel = controllers { true } else { false } }

    /// Nil where it is in the kernel, or there is none.
    var ioAPIC: IOAPIC? { if case .own(let chip) = controllers { chip } else { nil } }

    /// The line of a device.
    func line(gsi: UInt32) -> any InterruptLine {
        switch controllers {
        case .none: Line(self, nil)
        case .kernel(let lines): Line(self, lines.line(gsi: gsi))
        case .own(let chip): Line(self, chip.line(pin: Int(gsi)))
        }
    }

    /// A line that leads somewhere else.
    func line(to next: any InterruptLine) -> any InterruptLine { Line(self, next) }

    /// Whether any line is high.
    var isHigh: Bool { highLines.load(ordering: .sequentiallyConsistent) > 0 }

    /// Calls `body` with what poll(2) finds readable when a line has risen, or may have, since ``isHigh`` was asked inside `body`.
    func whileWatched<R>(_ body: (Int32) -> R) -> R {
        sleepers.add(1, ordering: .sequentiallyConsistent)
        defer {
            // Before that it may be others' to see.
            if sleepers.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 { _ = event.take() }
        }
        return body(event.number)
    }

    private func lineChanged(_ high: Bool) {
        highLines.add(high ? 1 : -1, ordering: .sequentiallyConsistent)
        // Whoever is about to sleep has said so before it looked at the level: one of the two sees the other.
        if high, sleepers.load(ordering: .sequentiallyConsistent) > 0 { event.signal() }
    }
}

extension KVMVirtualMachine {
    fileprivate func doBIOSSetUp() throws(KVMError) {
        try setPIC(0, firstVector: BIOSInterrupts.master.firstVector, mask: BIOSInterrupts.master.mask)
        try setPIC(1, firstVector: BIOSInterrupts.slave.firstVector, mask: BIOSInterrupts.slave.mask)
        try startTimer(mode: BIOSInterrupts.timerMode, count: BIOSInterrupts.timerCount)
    }
}
