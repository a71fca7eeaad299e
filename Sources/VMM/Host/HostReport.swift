import Glibc
import LinuxHost

/// What the trials found out about a host.
public struct HostReport: Sendable {
    /// What runs the guests.
    public enum Backend: Equatable, Sendable {
        /// Intel's VT-x.
        case vtx
        /// AMD's AMD-V.
        case amdV
        /// KVM without either of them, such as PVM: nothing checks the state that a guest is entered with.
        case software
        /// The trial ended in another way than on any known host.
        case unknown(String)
    }

    /// What a trial found, or why it could not be made.
    public enum Outcome<Value: Sendable & Equatable>: Sendable, Equatable {
        case success(Value)
        case failure(String)
    }

    public enum Cost: Equatable, Sendable {
        case nanoseconds(Double)
        /// It did not end within the time limit.
        case tooSlow
    }

    public let backend: Outcome<Backend>
    /// Whether this host is itself a virtual machine.
    public let isNested: Bool
    /// The kernel's modules of KVM backends that are loaded.
    public let modules: [String]
    /// How many bits a guest-physical address has.
    public let physicalAddressBits: Int
    /// One instruction of a counting loop.
    public let ring0Instruction: Outcome<Cost>
    public let ring3Instruction: Outcome<Cost>
    /// A port write that this program handles, there and back.
    public let portExit: Outcome<Cost>
    public let mmioExit: Outcome<Cost>
    /// Whether a write of one value to a register can signal an event without an exit (ioeventfd with datamatch).
    public let ioeventfd: Outcome<Bool>
    /// Whether port writes can wait in a ring without an exit.
    public let coalescedWrites: Outcome<Bool>
    /// Whether an event can interrupt a sleeping guest, and the end of the interrupt is told (irqfd with resample).
    public let irqfd: Outcome<Bool>
    /// Whether a guest can be debugged by single steps.
    public let singleStep: Outcome<Bool>
}

/// What can be known of a host without KVM.
public enum HostFacts {
    /// Whether the processor says that this system is itself a virtual machine.
    public static var isNested: Bool { Processor.hasHypervisor }

    /// The modules of KVM backends that are loaded: `kvm_intel`, `kvm_amd`, `kvm_pvm`.
    public static var loadedModules: [String] {
        ["kvm_intel", "kvm_amd", "kvm_pvm"].filter { exists("/sys/module/\($0)") }
    }

    /// The processor's flag for hardware virtualization, `vmx` or `svm`, where it has one that this system may use.
    public static func virtualizationFlag(in cpuInfo: String) -> String? {
        let flags = cpuInfo.split(separator: "\n").first { $0.hasPrefix("flags") }?.split(separator: " ") ?? []
        return ["vmx", "svm"].first { flag in flags.contains { $0 == flag } }
    }

    public static func exists(_ path: String) -> Bool {
        // SAFETY: a C string for the length of the call.
        unsafe access(path, F_OK) == 0
    }
}
