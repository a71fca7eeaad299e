import Testing
import VMM

@Suite("Facts of a host")
struct HostFactsTests {
    @Test(
        "the processor's flag for virtualization is a word of its own",
        arguments: [
            ("flags\t\t: fpu vme vmx de\n", "vmx"), ("flags\t: fpu svm\nflags\t: fpu vmx\n", "svm"),
            ("flags\t\t: fpu svm_lock nvmx\n", nil), ("vmx flags : none\n", nil), ("", nil),
        ] as [(String, String?)])
    func flag(cpuInfo: String, flag: String?) {
        #expect(HostFacts.virtualizationFlag(in: cpuInfo) == flag)
    }
}
