import DeviceModel
import FoundationEssentials
import Glibc
import SystemPackage
import VMM

/// What to look at where KVM cannot be used, or can do less than the guest needs.
struct HostAdvice {
    let lines: [String]

    init(_ error: VMMError) {
        guard let (path, reason) = error.unopenedDevice else {
            lines = []
            return
        }
        lines = Self.lines(
            path: path, reason: reason,
            flag: (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)).flatMap(HostFacts.virtualizationFlag),
            modules: HostFacts.loadedModules, isNested: HostFacts.isNested)
    }

    /// Where a guest's kernel is run in software, a compressed one is silent for longer than anybody waits; nil where that is not so.
    static func unpacking(_ plan: MachinePlan) -> String? {
        // The module is looked at first: where the processor runs kernels, the trial would be a failed VM entry in the host's log.
        guard case .linux(let kernel) = plan.boot.protocol, kernel.unpacksItself,
            HostFacts.loadedModules.contains("kvm_pvm"), (try? HostTrials())?.interpretsKernels() == true
        else { return nil }
        return slowUnpacking
    }

    static let slowUnpacking =
        "this host's KVM runs a guest's kernel in software, where a compressed one (bzImage) is silent for minutes while it unpacks itself; give the vmlinux in it, which scripts/extract-vmlinux of Linux's source unpacks on the host"

    /// Why a guest has printed nothing on any console; nil where nothing tells.
    static func silence(of machine: FinishedMachine, _ reason: StopReason) -> String? {
        if machine.screen?.isReadable == true { return "its text screen has letters on it, which --screen text prints" }
        guard case .linux = machine.plan.boot.protocol, reason == .halted else { return nil }
        return "a program in the form of a Linux kernel may need a BIOS, which only a boot sector has here"
    }

    /// The advice as a function of what was found.
    static func lines(
        path: String, reason: Errno, flag: String?, modules: [String], isNested: Bool
    ) -> [String] {
        if reason.rawValue == EACCES || reason.rawValue == EPERM {
            return [
                "\(path) exists, and this user may not open it.",
                "For good: sudo usermod -aG kvm \"$USER\", and log in again. For now: sudo setfacl -m u:\"$USER\":rw \(path)",
            ]
        }
        let isThere = reason.rawValue != ENOENT
        var lines = ["\(path) \(isThere ? "cannot be opened: \(reason)" : "is not there")."]
        if isThere, reason.rawValue != ENODEV, reason.rawValue != ENXIO { return lines }
        switch (flag, modules.isEmpty) {
        case (_, false) where isThere:
            lines.append("The module \(modules.joined(separator: ", ")) is loaded, and does not answer to this device.")
        case (_, false):
            lines.append(
                "The module \(modules.joined(separator: ", ")) is loaded: the device is missing in this container.")
            lines.append("Pass it in, as with: docker run --device \(path)")
        case (let flag?, true):
            let module = flag == "vmx" ? "kvm_intel" : "kvm_amd"
            lines.append(
                "The processor has \(flag == "vmx" ? "VT-x" : "AMD-V"), and no module uses it: sudo modprobe \(module)")
            lines.append("If that fails, virtualization is switched off in the firmware.")
        case (nil, true) where isNested:
            lines.append("This system is a virtual machine without nested virtualization: enable it on its host.")
        case (nil, true):
            lines.append("The processor shows neither VT-x nor AMD-V: enable virtualization in the firmware.")
        }
        lines.append("To try swiftvmm without KVM: scripts/on-amd-v swiftvmm run …, from its repository.")
        return lines
    }
}
