import Glibc
import KVM
import SystemPackage
import TestSupport
import Testing

@Suite("Model-specific registers", .requiresKVM)
struct ModelSpecificRegisterTests {
    /// IA32_STAR, IA32_LSTAR, IA32_KERNEL_GS_BASE, IA32_PAT (Intel SDM vol. 4 table 2-2).
    private static let values: [ModelSpecificRegister] = [
        ModelSpecificRegister(index: 0xC000_0081, value: 0x0023_0010_0000_0000),
        ModelSpecificRegister(index: 0xC000_0082, value: 0x0000_1234_5678_9ABC),
        ModelSpecificRegister(index: 0xC000_0102, value: 0x0000_7FFF_0000_1000),
        ModelSpecificRegister(index: 0x277, value: 0x0007_0406_0007_0406),
    ]

    private static let unknown: UInt32 = 0x1234_5678

    @Test("registers come back as they were set, in the order asked for")
    func roundTrip() throws {
        let machine = try TestMachine([])
        try machine.vcpu.setModelSpecificRegisters(Self.values)
        #expect(try machine.vcpu.modelSpecificRegisters(Self.values.map(\.index)) == Self.values)
        let reversed = Array(Self.values.reversed())
        #expect(try machine.vcpu.modelSpecificRegisters(reversed.map(\.index)) == reversed)
    }

    @Test("asking for none is no error")
    func none() throws {
        let machine = try TestMachine([])
        try machine.vcpu.setModelSpecificRegisters([])
        #expect(try machine.vcpu.modelSpecificRegisters([]) == [])
    }

    @Test("reading one that KVM does not know is an error that names it")
    func unknownRead() throws {
        let machine = try TestMachine([])
        let error: KVMError?
        do throws(KVMError) {
            _ = try machine.vcpu.modelSpecificRegisters([0xC000_0082, Self.unknown, 0x277])
            error = nil
        } catch let refusal {
            error = refusal
        }
        #expect(error == .call("read model-specific register 0x12345678", Errno(rawValue: EINVAL)))
    }

    @Test("setting one that KVM does not know is an error that names it, and those before it are set")
    func unknownWrite() throws {
        let machine = try TestMachine([])
        let known = ModelSpecificRegister(index: 0xC000_0082, value: 0x7777)
        let error: KVMError?
        do throws(KVMError) {
            try machine.vcpu.setModelSpecificRegisters([
                known, ModelSpecificRegister(index: Self.unknown, value: 1),
            ])
            error = nil
        } catch let refusal {
            error = refusal
        }
        #expect(error == .call("set model-specific register 0x12345678", Errno(rawValue: EINVAL)))
        #expect(try machine.vcpu.modelSpecificRegisters([0xC000_0082]) == [known])
    }
}
