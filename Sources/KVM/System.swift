import CKVM
import Glibc
import LinuxHost
import SystemPackage

/// The open KVM device: the first of the three handles (system, virtual machine, vCPU).
///
/// Safe to use from any thread.
public struct KVMSystem: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor
    /// The size of a vCPU's run page and what follows it, in bytes.
    private let runMappingSize: Int

    /// Opens KVM and checks that it has what this library needs.
    ///
    /// - Throws: `KVMError.cannotOpen`, `.wrongVersion`, `.missingCapabilities`, `.kickSignalTaken`.
    public init(path: String = "/dev/kvm") throws(KVMError) {
        // SAFETY: the string is a C string for the length of the call.
        let number = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard number >= 0 else { throw .cannotOpen(path: path, .current) }
        let descriptor = OwnedDescriptor(number: number)
        let version = ckvm_ioctl(number, CKVM_GET_API_VERSION, 0)
        guard version >= 0 else {
            throw .cannotOpen(path: path, Errno(negated: version))
        }
        guard version == KVM_API_VERSION else { throw .wrongVersion(version) }
        let missing = Capability.required.filter { ckvm_ioctl(number, CKVM_CHECK_EXTENSION, UInt($0.number)) <= 0 }
        guard missing.isEmpty else { throw .missingCapabilities(missing) }
        do throws(HostError) {
            try KickSignal.install()
        } catch {
            throw error.reason == .resourceBusy ? .kickSignalTaken(KickSignal.number) : KVMError(error)
        }
        runMappingSize = try descriptor.control(CKVM_GET_VCPU_MMAP_SIZE, 0, "ask for the size of a vCPU's run page")
        self.descriptor = descriptor
    }

    /// What the host's KVM answers for a capability: 0 when it is absent, else 1 or a number that the capability defines.
    public func value(of capability: Capability) -> Int {
        max(0, ckvm_ioctl(descriptor.number, CKVM_CHECK_EXTENSION, UInt(truncatingIfNeeded: capability.number)))
    }

    /// The CPUID leaves that a guest can be given here (`KVM_GET_SUPPORTED_CPUID`, Linux api.rst section 4.46).
    public func supportedCPUID() throws(KVMError) -> CPUID {
        var count = 128
        while true {
            let room = [kvm_cpuid_entry2](repeating: kvm_cpuid_entry2(), count: count)
            do throws(KVMError) {
                let answer = try descriptor.control(CKVM_GET_SUPPORTED_CPUID, room, "ask for the supported CPUID")
                return CPUID(answer.entries.map(CPUID.Leaf.init))
            } catch .call(_, Errno(rawValue: E2BIG)) where count < 1024 {
                count *= 2
            }
        }
    }

    /// Makes a virtual machine without memory and vCPUs, with the pages that VT-x needs for real mode placed at
    /// ``KVMVirtualMachine/reservedPages``.
    public func makeVirtualMachine() throws(KVMError) -> KVMVirtualMachine {
        let number = ckvm_ioctl(descriptor.number, CKVM_CREATE_VM, 0)
        guard number >= 0 else { throw .cannotCreateMachine(Errno(negated: number)) }
        return try KVMVirtualMachine(
            descriptor: OwnedDescriptor(number: Int32(truncatingIfNeeded: number)), runMappingSize: runMappingSize)
    }
}

/// Something that a host's KVM may or may not offer (`KVM_CHECK_EXTENSION`, Linux api.rst section 4.4).
public struct Capability: Hashable, Sendable, CustomStringConvertible {
    public let number: Int32
    /// The kernel's name for it.
    public let description: String

    public init(number: Int32, name: String) {
        self.number = number
        self.description = name
    }

    public static let userMemory = Capability(number: KVM_CAP_USER_MEMORY, name: "KVM_CAP_USER_MEMORY")
    public static let setTSSAddress = Capability(number: KVM_CAP_SET_TSS_ADDR, name: "KVM_CAP_SET_TSS_ADDR")
    public static let setIdentityMapAddress = Capability(
        number: KVM_CAP_SET_IDENTITY_MAP_ADDR, name: "KVM_CAP_SET_IDENTITY_MAP_ADDR")
    public static let extendedCPUID = Capability(number: KVM_CAP_EXT_CPUID, name: "KVM_CAP_EXT_CPUID")
    public static let immediateExit = Capability(number: KVM_CAP_IMMEDIATE_EXIT, name: "KVM_CAP_IMMEDIATE_EXIT")
    public static let interruptControllers = Capability(number: KVM_CAP_IRQCHIP, name: "KVM_CAP_IRQCHIP")
    public static let ioeventfd = Capability(number: KVM_CAP_IOEVENTFD, name: "KVM_CAP_IOEVENTFD")
    public static let irqfd = Capability(number: KVM_CAP_IRQFD, name: "KVM_CAP_IRQFD")
    public static let irqfdResample = Capability(
        number: KVM_CAP_IRQFD_RESAMPLE, name: "KVM_CAP_IRQFD_RESAMPLE")
    public static let coalescedPorts = Capability(number: KVM_CAP_COALESCED_PIO, name: "KVM_CAP_COALESCED_PIO")
    /// Its value is the page of the run mapping that holds the ring.
    public static let coalescedMMIO = Capability(number: KVM_CAP_COALESCED_MMIO, name: "KVM_CAP_COALESCED_MMIO")
    /// Its value is how many vCPUs a machine may have.
    public static let maxVCPUs = Capability(number: KVM_CAP_MAX_VCPUS, name: "KVM_CAP_MAX_VCPUS")
    /// The local APIC's timer can compare with the time stamp counter.
    public static let deadlineTimer = Capability(number: KVM_CAP_TSC_DEADLINE_TIMER, name: "KVM_CAP_TSC_DEADLINE_TIMER")
    public static let guestDebug = Capability(number: KVM_CAP_SET_GUEST_DEBUG, name: "KVM_CAP_SET_GUEST_DEBUG")
    public static let userSpaceMSR = Capability(
        number: KVM_CAP_X86_USER_SPACE_MSR, name: "KVM_CAP_X86_USER_SPACE_MSR")

    /// What this library cannot do without.
    static let required: [Capability] = [
        .userMemory, .setTSSAddress, .setIdentityMapAddress, .extendedCPUID, .immediateExit,
    ]
}
