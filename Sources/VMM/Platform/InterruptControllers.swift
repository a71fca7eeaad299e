import DeviceModel
import KVM

/// Which interrupt controllers and timers a machine has.
public enum InterruptControllers: String, CaseIterable, Sendable {
    /// What the machine needs: none for flat images and ELF executables, full for several vCPUs.
    case auto
    /// None: HLT ends the run, the natural end of a tiny guest.
    case none
    /// A local APIC for each vCPU in the kernel, and an I/O APIC outside: no PICs and no 8254. HLT sleeps.
    case split
    /// A PC's, in the kernel: two PICs, an I/O APIC, a local APIC for each vCPU, and the timer (8254). HLT sleeps.
    case full
}

extension KVMInterruptLine: InterruptLine {}

extension KVMInterruptMessages: InterruptMessageSink {
    public func send(_ message: InterruptMessage) {
        send(address: message.address, data: message.data)
    }

    public func tellEnds(of messages: [(pin: Int, message: InterruptMessage)]) {
        tellEnds(of: messages.map { (pin: $0.pin, address: $0.message.address, data: $0.message.data) })
    }
}
