import Glibc

/// What can go wrong between this program and the host's KVM. Nothing that a guest does is one of these.
public enum KVMError: Error, Equatable, Sendable {
    /// The KVM device cannot be opened.
    case cannotOpen(path: String, SystemError)
    /// KVM speaks another version of its interface than 12, the only one in use since Linux 2.6.22.
    case wrongVersion(Int)
    /// The host's KVM lacks something that this library cannot do without.
    case missingCapabilities([Capability])
    /// The process already handles the signal that stops vCPUs.
    case kickSignalTaken(Int32)
    /// KVM is there and makes no virtual machine.
    case cannotCreateMachine(SystemError)
    /// A call that KVM or the system refused: what was tried, and why it failed.
    case call(String, SystemError)
}

extension KVMError: CustomStringConvertible {
    /// The operation, the system's reason, and the remedy where one is known.
    public var description: String {
        switch self {
        case .cannotOpen(let path, let error):
            "cannot open \(path): \(error)\(Self.remedy(for: error))"
        case .wrongVersion(let version):
            "KVM has interface version \(version), not 12; use a Linux kernel newer than 2.6.22"
        case .missingCapabilities(let missing):
            "this host's KVM lacks \(missing.map(\.description).joined(separator: ", ")); use Linux 4.13 or newer"
        case .kickSignalTaken(let signal):
            "signal \(signal) is handled by something else in this process; leave it to KVM, which stops vCPUs with it"
        case .cannotCreateMachine(let error):
            "KVM makes no virtual machine: \(error)"
                + (error.code == EBUSY ? "; another hypervisor holds the processor's virtualization, stop it" : "")
        case .call(let operation, let error):
            "cannot \(operation): \(error)"
        }
    }

    private static func remedy(for error: SystemError) -> String {
        switch error.code {
        case EACCES, EPERM:
            "; add your user to the group \"kvm\", then log in again"
        case ENOENT, ENODEV, ENXIO:
            "; enable virtualization in the firmware and load the module: modprobe kvm_intel or kvm_amd"
        case ENOTTY:
            "; it is not the KVM device, which is /dev/kvm"
        default:
            ""
        }
    }
}
