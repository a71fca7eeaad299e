import KVM
import TestSupport
import Testing

@testable import VMM

@Suite("Guests that cannot go on", .requiresKVM)
struct GuestFailureTests {
    @Test("a triple fault is told with the registers and the instruction")
    func tripleFault() throws {
        let run = try GuestRun(guest: "triple-fault.bin")
        guard case .tripleFault(let fault) = run.reason else {
            Issue.record("\(run.reason)")
            return
        }
        let state = fault.state
        #expect(run.report.exitsByKind["shutdown"] == 1)
        // AMD-V loses the state, and KVM resets the vCPU (Linux, shutdown_interception in svm.c).
        if state.special.cs.base == 0xFFFF_0000 {
            #expect(fault.description.contains("this host resets the processor"))
            return
        }
        #expect(
            fault.description.hasSuffix(
                ", an exception that it could not handle: #UD, an invalid instruction (ud2), and its interrupt table is empty (limit 0)"
            ))
        #expect(state.instruction.bytes.starts(with: [0x0F, 0x0B]))
        #expect(state.special.cr0.contains(.protectionEnable))
        #expect(state.special.cs.selector == 0x10)
        #expect(state.special.cs.is32Bit)
        #expect(state.special.idt.limit == 0)
        #expect((0x7C00..<0x7C54).contains(state.registers.rip))
        #expect(state.instructionAddress == state.registers.rip)
        #expect(state.description.contains("code at 0x7c"))
        #expect(state.description.contains(": 0f 0b"))
    }

    @Test("a jump to where no memory is is told as that")
    func jumpAstray() throws {
        // ljmp to FFFF:8000, which is beyond 1 MiB.
        let run = try GuestRun(code: [0xEA, 0x00, 0x80, 0xFF, 0xFF]) { $0.memorySize = 1 << 20 }
        guard case .guestError(let error) = run.reason else {
            Issue.record("\(run.reason)")
            return
        }
        #expect(error.kind == .emulationFailure)
        #expect(error.state.instruction.count == 0)
        #expect(error.state.instructionAddress == 0x10_7FF0)
        #expect(
            error.description
                == "KVM cannot emulate the instruction at 0x107ff0; there is no memory there: a jump went astray")
        #expect(run.report.exitsByKind["other"] == 1)
    }

    @Test("an instruction that the host's emulator lacks is named with a remedy; other hosts just run it")
    func missingInstruction() throws {
        let popcnt: [UInt8] = [0xF3, 0x0F, 0xB8, 0xC0]  // popcntw %ax, %ax
        let run = try GuestRun(code: popcnt + [0xF4])
        switch run.reason {
        case .halted: break
        case .guestError(let error):
            #expect(error.kind == .emulationFailure)
            #expect(error.state.instruction.bytes.starts(with: popcnt))
            #expect(error.state.instructionAddress == 0x7C00)
            let text = error.description
            #expect(text.hasPrefix("KVM cannot emulate the instruction at 0x7c00, f3 0f b8 c0"))
            #expect(text.contains(" (POPCNT); "))
            #expect(text.hasSuffix("use another instruction, run it in ring 3, or use a host with VT-x or AMD-V"))
        default: Issue.record("\(run.reason)")
        }
    }

    @Test("what stands at the instruction is shown up to the end of its page, not beyond what is mapped")
    func endOfPage() throws {
        // In protected mode, at the last two bytes of RAM: ud2.
        var image = [UInt8](repeating: 0x90, count: 0x1000)
        image.replaceSubrange(0..<5, with: [0xE9, 0xF9, 0x0F, 0x00, 0x00])  // jmp to offset 0xFFE
        image.replaceSubrange(0xFFE..<0x1000, with: [0x0F, 0x0B])
        let run = try GuestRun(.bytes(image)) {
            $0.mode = .protected
            $0.memorySize = 0x10_1000
        }
        guard case .exception(let exception) = run.reason else {
            Issue.record("\(run.reason)")
            return
        }
        #expect(exception.state.registers.rip == 0x10_0FFE)
        #expect(exception.state.instruction.bytes == [0x0F, 0x0B])
    }
}
