import CKVM
import LinuxHost
import SystemPackage

/// An address that a guest writes numbers to, each of them to have something looked at. Safe to use from any thread.
public final class KVMIOEventFD: Sendable {
    private let resources: VirtualMachineResources
    private let address: UInt64

    init(resources: VirtualMachineResources, address: UInt64) {
        self.resources = resources
        self.address = address
    }

    /// From now on a 32-bit write of `value` adds one to `event` and is no exit (`KVM_IOEVENTFD`, Linux api.rst section 4.59). It
    /// stays so for as long as the machine lives; writes of other values are exits as before.
    ///
    /// - Throws: `KVMError.call`, also when an event was set for the value before.
    public func signal(_ event: borrowing EventFD, onWriteOf value: UInt32) throws(KVMError) {
        var request = kvm_ioeventfd()
        request.datamatch = UInt64(value)
        request.addr = address
        request.len = 4
        request.fd = event.number
        request.flags = 1 << UInt32(kvm_ioeventfd_flag_nr_datamatch)
        try resources.descriptor.control(CKVM_IOEVENTFD, &request, "have writes of \(value) signal an event")
    }
}
