import Glibc
import KVM
import SystemPackage
import TestSupport
import Testing

@Suite("The KVM device")
struct KVMSystemTests {
    @Test("a path that is absent is an error that names it")
    func absentPath() {
        #expect(throws: KVMError.cannotOpen(path: "/dev/no-such-kvm", Errno(rawValue: ENOENT))) {
            _ = try KVMSystem(path: "/dev/no-such-kvm")
        }
    }

    @Test(
        "a device that is not KVM's is an error of opening, not a crash later", arguments: ["/dev/null", "/dev/zero"])
    func otherDevice(path: String) {
        #expect(throws: KVMError.cannotOpen(path: path, Errno(rawValue: ENOTTY))) {
            _ = try KVMSystem(path: path)
        }
    }

    @Test("a directory cannot be opened")
    func directory() {
        #expect(throws: KVMError.cannotOpen(path: "/dev", Errno(rawValue: EISDIR))) {
            _ = try KVMSystem(path: "/dev")
        }
    }

    @Test("the device opens, and has every capability that was required", .requiresKVM)
    func opens() throws {
        let system = try KVMSystem()
        let required: [Capability] = [
            .userMemory, .setTSSAddress, .setIdentityMapAddress, .extendedCPUID, .immediateExit,
        ]
        for capability in required {
            let value = system.value(of: capability)
            #expect(value > 0, "\(capability)")
        }
    }

    @Test("a capability that no kernel has is 0", .requiresKVM)
    func unknownCapability() throws {
        let system = try KVMSystem()
        let value = system.value(of: Capability(number: 0x7FFF_0000, name: "none"))
        #expect(value == 0)
    }

    @Test("opening and closing leaves no descriptor", .requiresKVM)
    func reopens() throws {
        // Were each opening to leave one, the usual limit of 1,024 descriptors would be passed on the way.
        for _ in 0..<2_000 { _ = try KVMSystem() }
    }

    @Test("another handler of the stop signal is left alone, and is an error", .requiresKVM)
    func takenSignal() async {
        await #expect(processExitsWith: .success) {
            let kick = __libc_current_sigrtmin() + 4
            _ = signal(kick) { _ in }
            do throws(KVMError) {
                _ = try KVMSystem()
                exit(1)
            } catch {
                exit(error == .kickSignalTaken(kick) ? EXIT_SUCCESS : 2)
            }
        }
    }
}
