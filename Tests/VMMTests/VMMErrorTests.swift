import Glibc
import KVM
import SystemPackage
import Testing
import VMM

@Suite("Errors in words")
struct VMMErrorTests {
    @Test("an image's error names the image and the reason")
    func image() {
        #expect(
            VMMError.image(name: "guest.elf", .cannotOpen(Errno(rawValue: ENOENT))).description
                == "cannot boot guest.elf: No such file or directory; check its name")
        #expect(
            VMMError.image(name: "guest.elf", .elf(.noSegments)).description
                == "cannot boot guest.elf: it has no ELF segment to load; link it as an executable")
    }

    @Test("KVM's errors and those of the configuration stand as they are")
    func others() {
        let error = KVMError.call("create vCPU 0", Errno(rawValue: ENOMEM))
        #expect(VMMError.kvm(error).description == error.description)
        #expect(VMMError.configuration("use less").description == "use less")
        #expect(VMMError.fault("a rule").description == "internal error: a rule")
    }

    @Test("output that cannot be written has the system's reason")
    func output() {
        #expect(
            VMMError.output(Errno(rawValue: EPIPE)).description
                .hasPrefix("cannot write the guest's output: Broken pipe"))
        #expect(
            VMMError.output(Errno(rawValue: ENOSPC)).description
                .hasPrefix("cannot write the guest's output: No space left on device"))
    }

    @Test("an image is called by its path, or by its size")
    func names() {
        #expect(ImageSource.file("a/b.bin").name == "a/b.bin")
        #expect(ImageSource.bytes([1, 2, 3]).name == "the image of 3 bytes in memory")
    }
}
