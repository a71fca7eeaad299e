import Glibc
import KVM
import SystemPackage
import Testing

@Suite("KVM errors in words")
struct KVMErrorTests {
    @Test("no permission names the group to join")
    func permission() {
        #expect(
            KVMError.cannotOpen(path: "/dev/kvm", Errno(rawValue: EACCES)).description
                == "cannot open /dev/kvm: Permission denied; add your user to the group \"kvm\", then log in again")
    }

    @Test("an absent device names the module to load", arguments: [ENOENT, ENODEV, ENXIO])
    func absence(code: Int32) {
        let text = KVMError.cannotOpen(path: "/dev/kvm", Errno(rawValue: code)).description
        #expect(text.hasPrefix("cannot open /dev/kvm: No such "))
        #expect(
            text.hasSuffix("; enable virtualization in the firmware and load the module: modprobe kvm_intel or kvm_amd")
        )
    }

    @Test("a file that is not KVM is called that")
    func notKVM() {
        #expect(
            KVMError.cannotOpen(path: "/dev/null", Errno(rawValue: ENOTTY)).description
                == "cannot open /dev/null: Inappropriate ioctl for device; it is not the KVM device, which is /dev/kvm")
    }

    @Test("a reason without a remedy stands alone")
    func otherReasons() {
        #expect(
            KVMError.cannotOpen(path: "/dev/kvm", Errno(rawValue: EMFILE)).description
                == "cannot open /dev/kvm: Too many open files")
    }

    @Test("another interface version is named with the one that is needed")
    func version() {
        #expect(
            KVMError.wrongVersion(11).description
                == "KVM has interface version 11, not 12; use a Linux kernel newer than 2.6.22")
    }

    @Test("missing capabilities are all named, by the kernel's names")
    func capabilities() {
        #expect(
            KVMError.missingCapabilities([.userMemory, .immediateExit]).description
                == "this host's KVM lacks KVM_CAP_USER_MEMORY, KVM_CAP_IMMEDIATE_EXIT; use Linux 4.13 or newer")
    }

    @Test("a taken signal is named with what to do")
    func takenSignal() {
        #expect(
            KVMError.kickSignalTaken(38).description
                == "signal 38 is handled by something else in this process; leave it to KVM, which stops vCPUs with it")
    }

    @Test("a refused call says what was tried and why it failed")
    func calls() {
        #expect(
            KVMError.call("create vCPU 0", Errno(rawValue: EEXIST)).description == "cannot create vCPU 0: File exists"
        )
    }
}
