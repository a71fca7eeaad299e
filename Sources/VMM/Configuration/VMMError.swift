import Glibc
import KVM
import LinuxHost
import SystemPackage

/// Why a machine cannot be made or cannot go on. What a guest does wrong is a ``StopReason`` instead.
public enum VMMError: Error, Equatable, Sendable {
    case kvm(KVMError)
    /// A call that the system refused.
    case host(HostError)
    /// The image cannot be booted: its name, and why.
    case image(name: String, ImageError)
    /// The same of a file that the guest is to be given beside it.
    case module(name: String, ImageError)
    /// The configuration asks for what cannot be had; the text names it, the reason and the remedy.
    case configuration(String)
    /// The vCPU's first state is one that VT-x or AMD-V would refuse to enter.
    case state(EntryViolation)
    /// A console's output cannot be written.
    case output(Errno)
    /// A rule of this library's own that did not hold.
    case fault(String)
}

extension VMMError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .kvm(let error): error.description
        case .host(let error): error.description
        case .image(let name, let error): "cannot boot \(name): \(error)"
        case .module(let name, let error): "cannot give the guest the file \(name): \(error)"
        case .configuration(let text): text
        case .state(let violation): "the guest cannot be entered with this state: \(violation)"
        case .output(let error): "cannot write the guest's output: \(error)\(Self.remedy(for: error))"
        case .fault(let text): "internal error: \(text)"
        }
    }

    private static func remedy(for error: Errno) -> String {
        switch error.rawValue {
        case EPIPE, ECONNRESET: "; its reader is gone"
        case EBADF: "; standard output is closed, redirect it to a file or a pipe"
        case EFBIG: "; raise the limit on a file's size, or redirect it elsewhere"
        case ENOSPC, EDQUOT: "; free some space or redirect it elsewhere"
        default: ""
        }
    }
}

extension VMMError {
    /// Whether no machine can run on this host at all; else KVM is there, and something of it failed.
    public var meansNoKVM: Bool {
        switch self {
        case .kvm(.call), .kvm(.cannotRun): false
        case .kvm: true
        default: false
        }
    }

    /// KVM's device where it cannot be opened, and why.
    public var unopenedDevice: (path: String, reason: Errno)? {
        if case .kvm(.cannotOpen(let path, let reason)) = self { (path, reason) } else { nil }
    }
}

/// Calls KVM and gives its error as one of this module.
func kvm<Value: ~Copyable>(_ body: () throws(KVMError) -> Value) throws(VMMError) -> Value {
    do throws(KVMError) { return try body() } catch { throw .kvm(error) }
}

/// The same for what is the system's.
func host<Value: ~Copyable>(_ body: () throws(HostError) -> Value) throws(VMMError) -> Value {
    do throws(HostError) { return try body() } catch { throw .host(error) }
}

/// The same for what is wrong with a file that the guest is given, by its name.
func imageErrors<Value>(_ name: String, _ body: () throws(ImageError) -> Value) throws(VMMError) -> Value {
    do throws(ImageError) { return try body() } catch .noRoom(let error) {
        // No image helps there.
        throw .configuration("\(error); use less")
    } catch {
        throw .image(name: name, error)
    }
}
