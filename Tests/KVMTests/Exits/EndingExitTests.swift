import KVM
import TestSupport
import Testing

@Suite("Exits that end a guest", .requiresKVM)
struct EndingExitTests {
    @Test("HLT ends the run, and the next run goes on behind it")
    func halt() throws {
        var machine = try TestMachine([
            0xF4,  // hlt
            0xE6, 0x42,  // outb %al, $0x42
        ])
        let halt = try machine.vcpu.nextExit()
        #expect(halt == .halt)
        let next = try machine.vcpu.nextExit()
        #expect(next == .portWrite(PortAccess(port: 0x42, width: 1, count: 1)))
    }

    @Test("an exception without any handler is a shutdown")
    func tripleFault() throws {
        var machine = try TestMachine([
            0x0F, 0x0B,  // ud2
        ])
        try machine.enterProtectedMode()
        let exit = try machine.vcpu.nextExit()
        #expect(exit == .shutdown)
    }

    @Test("code where no memory is makes KVM give up: sub-error 1, emulation, and no instruction")
    func jumpIntoNothing() throws {
        var machine = try TestMachine([
            0xEA, 0x00, 0x00, 0x00, 0xF0,  // ljmp $0xF000, $0
        ])
        let exit = try machine.vcpu.nextExit()
        guard case .internalError(suberror: 1, let instruction) = exit else {
            Issue.record("not an emulation failure: \(exit)")
            return
        }
        #expect(instruction.bytes.isEmpty)
        #expect(try machine.vcpu.registers().rip == 0)
        #expect(try machine.vcpu.specialRegisters().cs.base == 0xF_0000)
    }

    @Test("an instruction that KVM's emulator lacks is shown; where the processor runs the guest itself, it just works")
    func missingInstruction() throws {
        let popcnt: [UInt8] = [0xF3, 0x0F, 0xB8, 0xC0]  // popcntw %ax, %ax
        var machine = try TestMachine(popcnt + [0xF4])
        let exit = try machine.vcpu.nextExit()
        switch exit {
        case .halt: break
        case .internalError(suberror: 1, let instruction):
            // Kernels before 5.13 and some hosts give no bytes.
            #expect(instruction.count == 0 || instruction.bytes.starts(with: popcnt))
        default: Issue.record("\(exit)")
        }
    }
}
