import CKVM
import Glibc

/// What can be known of a host without KVM.
public enum HostFacts {
    /// Whether the processor says that this system is itself a virtual machine.
    public static var isNested: Bool { ckvm_is_nested() != 0 }

    /// The modules of KVM back ends that are loaded: `kvm_intel`, `kvm_amd`, `kvm_pvm`.
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
