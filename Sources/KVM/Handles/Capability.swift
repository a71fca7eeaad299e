import CKVM

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
    public static let ioEvents = Capability(number: KVM_CAP_IOEVENTFD, name: "KVM_CAP_IOEVENTFD")
    public static let interruptEvents = Capability(number: KVM_CAP_IRQFD, name: "KVM_CAP_IRQFD")
    public static let interruptEventEnds = Capability(
        number: KVM_CAP_IRQFD_RESAMPLE, name: "KVM_CAP_IRQFD_RESAMPLE")
    public static let coalescedPorts = Capability(number: KVM_CAP_COALESCED_PIO, name: "KVM_CAP_COALESCED_PIO")
    /// Its value is the page of the run mapping that holds the ring.
    public static let coalescedMMIO = Capability(number: KVM_CAP_COALESCED_MMIO, name: "KVM_CAP_COALESCED_MMIO")
    /// Its value is how many vCPUs a machine may have.
    public static let maxVCPUs = Capability(number: KVM_CAP_MAX_VCPUS, name: "KVM_CAP_MAX_VCPUS")
    public static let guestDebug = Capability(number: KVM_CAP_SET_GUEST_DEBUG, name: "KVM_CAP_SET_GUEST_DEBUG")

    /// What this library cannot do without.
    static let required: [Capability] = [
        .userMemory, .setTSSAddress, .setIdentityMapAddress, .extendedCPUID, .immediateExit,
    ]
}
