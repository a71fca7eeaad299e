import Testing

@testable import Comparison

@Suite("The host that compare tells of")
struct ComparedHostTests {
    @Test("the processor's name is the kernel's")
    func processor() {
        let text = "processor\t: 0\nmodel name\t: Some  CPU @ 2.0GHz: fast\nflags\t: vmx\n"
        #expect(ComparedHost.processor(in: text) == "Some CPU @ 2.0GHz: fast")
        #expect(ComparedHost.processor(in: "") == "unknown processor")
        #expect(ComparedHost.processor(in: "model name\t:\n") == "unknown processor")
    }

    @Test("two lines tell the machine and its KVM")
    func lines() {
        let host = ComparedHost(
            processor: "CPU", processorCount: 2, kernel: "6.1.0", kvmModules: ["kvm_amd"], kvmBackend: "AMD-V",
            isNested: true, ring0InstructionNanoseconds: 0.31, ring3InstructionNanoseconds: 1010,
            portExitNanoseconds: 7540)
        #expect(
            host.lines == [
                "CPU, 2 CPUs, Linux 6.1.0",
                "KVM: kvm_amd (AMD-V), itself in a virtual machine; an instruction takes 0.31 ns in ring 0, 1,010 ns in ring 3; a port exit 7.54 µs",
            ])
        let other = ComparedHost(
            processor: "CPU", processorCount: 1, kernel: "6.1.0", kvmModules: [], kvmBackend: "VT-x", isNested: false,
            ring0InstructionNanoseconds: nil, ring3InstructionNanoseconds: nil, portExitNanoseconds: nil)
        #expect(other.lines == ["CPU, 1 CPU, Linux 6.1.0", "KVM: built in (VT-x)"])
    }

    @Test("what others had of the processors is what was used without what the comparison had itself")
    func load() throws {
        let start = try #require(ProcessorLoad.Times("cpu  100 0 50 1000 10 0 5 0 40 0", own: 20))
        let end = try #require(ProcessorLoad.Times("cpu  300 10 90 1600 10 20 25 100 60 0", own: 120))
        // 990 ticks, of which programs had 250, with 100 of them ours, and the machine's host 100.
        #expect(ProcessorLoad.othersShare(from: start, to: end) == 250.0 / 990)
        #expect(ProcessorLoad.othersShare(from: end, to: end) == nil)
        #expect(ProcessorLoad.Times("cpu0 1 2 3 4 5 6 7 8", own: 0) == nil)
        #expect(ProcessorLoad.Times("cpu  1 2 3 4", own: 0) == nil)
        #expect(ProcessorLoad.finding(nil) == nil && ProcessorLoad.finding(0.19) == nil)
        #expect(
            ProcessorLoad.finding(0.634)
                == "The machine was busy: others had 63 % of its processors meanwhile. The times hold how long each subject waited for one, which is not the same for all: measure again when the machine does less else."
        )
    }

    @Test("the guest is looked for in every folder above")
    func guestFile() {
        #expect(
            GuestFile.candidates("g", above: "/a/b/program") == [
                "/a/b/guests/build/g", "/a/guests/build/g", "/guests/build/g",
            ])
    }
}
