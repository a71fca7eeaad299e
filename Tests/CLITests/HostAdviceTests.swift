import Glibc
import KVM
import SystemPackage
import Testing

@testable import swiftvmm

@Suite("Advice where KVM cannot be used")
struct HostAdviceTests {
    private func advice(
        _ code: Int32, flag: String? = nil, modules: [String] = [], isNested: Bool = false
    ) -> String {
        HostAdvice.lines(
            path: "/dev/kvm", reason: Errno(rawValue: code), flag: flag, modules: modules, isNested: isNested
        ).joined(separator: "\n")
    }

    @Test("without permission, the group")
    func permission() {
        #expect(advice(EACCES).contains("usermod -aG kvm"))
    }

    @Test("with the processor's flag and no module, the module", arguments: [("vmx", "kvm_intel"), ("svm", "kvm_amd")])
    func module(flag: String, module: String) {
        #expect(advice(ENOENT, flag: flag).contains("sudo modprobe \(module)"))
    }

    @Test(
        "a device that is there and has nothing behind it is not called missing",
        arguments: [ENODEV, ENXIO, ENOTTY, EMFILE])
    func noDriver(code: Int32) {
        let text = advice(code, flag: "vmx", modules: code == EMFILE ? ["kvm_intel"] : [])
        #expect(!text.contains("not there") && !text.contains("docker"))
        #expect(text.contains("cannot be opened: \(Errno(rawValue: code))"))
        #expect(text.contains("modprobe") == (code == ENODEV || code == ENXIO))
    }

    @Test("with a module loaded, the container")
    func container() {
        #expect(advice(ENOENT, flag: "vmx", modules: ["kvm_intel"]).contains("--device /dev/kvm"))
    }

    @Test("without the flag, the host of a virtual machine, or else the firmware")
    func flag() {
        #expect(advice(ENOENT, isNested: true).contains("enable it on its host"))
        #expect(advice(ENOENT).contains("in the firmware"))
    }
}
