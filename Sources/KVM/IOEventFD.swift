import CKVM
import LinuxHost
import SystemPackage

/// What makes a guest's writes signal events instead of being exits (`KVM_IOEVENTFD`, Linux api.rst section 4.59). Safe to use from any
/// thread.
public struct KVMIOEventFDs: Sendable {
    private let resources: VirtualMachineResources

    init(resources: VirtualMachineResources) {
        self.resources = resources
    }

    /// From now on a 32-bit write of `value` to a guest-physical address adds one to `event` and is no exit. It stays so for as long as
    /// the machine lives; writes of other values are exits as before.
    ///
    /// - Throws: `KVMError.call`, also when an event was set for the value before.
    public func signal(
        _ event: borrowing EventFD, onWriteOf value: UInt32, to address: UInt64
    ) throws(KVMError) {
        try add(event, "have writes of \(value) signal an event") { request in
            request.datamatch = UInt64(value)
            request.addr = address
            request.len = 4
            request.flags = 1 << UInt32(kvm_ioeventfd_flag_nr_datamatch)
        }
    }

    /// The same for a write of `width` bytes of any value to a port.
    public func signal(_ event: borrowing EventFD, onWriteToPort port: UInt16, width: UInt32) throws(KVMError) {
        try add(event, "have writes to port \(port) signal an event") { request in
            request.addr = UInt64(port)
            request.len = width
            request.flags = 1 << UInt32(kvm_ioeventfd_flag_nr_pio)
        }
    }

    private func add(
        _ event: borrowing EventFD, _ operation: @autoclosure () -> String, _ fill: (inout kvm_ioeventfd) -> Void
    ) throws(KVMError) {
        var request = kvm_ioeventfd()
        fill(&request)
        request.fd = event.number
        try resources.descriptor.control(CKVM_IOEVENTFD, &request, operation())
    }
}

extension KVMVirtualMachine {
    public var ioeventfds: KVMIOEventFDs { KVMIOEventFDs(resources: resources) }
}
