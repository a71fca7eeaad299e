import Glibc
import LinuxHost
import SystemPackage

/// What can go wrong between this program and the host's KVM. Nothing that a guest does is one of these.
public enum KVMError: Error, Equatable, Sendable {
    /// The KVM device cannot be opened.
    case cannotOpen(path: String, Errno)
    /// KVM speaks another version of its interface than 12, the only one in use since Linux 2.6.22.
    case wrongVersion(Int)
    /// The host's KVM lacks something that this library cannot do without.
    case missingCapabilities([Capability])
    /// The process already handles the signal that stops vCPUs.
    case kickSignalTaken(Int32)
    /// KVM is there and makes no virtual machine.
    case cannotCreateMachine(Errno)
    /// KVM refuses again and again to run a vCPU that has everything it needs, with the error that asks to try again.
    case cannotRun(Errno)
    /// A call that KVM or the system refused: what was tried, and why it failed.
    case call(String, Errno)
}

extension KVMError {
    init(_ error: HostError) {
        self = .call(error.operation, error.reason)
    }

    /// The result of a C function that gives a negative error number when it fails.
    @discardableResult
    static func check(_ result: Int, _ operation: @autoclosure () -> String) throws(KVMError) -> Int {
        guard result < 0 else { return result }
        throw .call(operation(), Errno(negated: result))
    }

    /// Something of the host's, with its error as one of this module.
    static func host<Value: ~Copyable>(_ body: () throws(HostError) -> Value) throws(KVMError) -> Value {
        do throws(HostError) { return try body() } catch { throw KVMError(error) }
    }
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
                + (error.rawValue == EBUSY ? "; another hypervisor holds the processor's virtualization, stop it" : "")
        case .cannotRun(let error):
            "KVM does not run the vCPU: \(error); where the kernel may make no thread for it, raise pids.max of the control group, or the limit of processes (ulimit -u)"
        case .call(let operation, let error):
            "cannot \(operation): \(error)"
        }
    }

    private static func remedy(for error: Errno) -> String {
        switch error.rawValue {
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
