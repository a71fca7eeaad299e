import GuestTable
import KVM
import TestSupport
import Testing

@testable import VMM

@Suite("Exceptions without a handler", .requiresKVM)
struct UnhandledExceptionTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let mode: CPUMode
        let code: [UInt8]
        let vector: UInt8
        /// Of the instruction from the first one, in bytes.
        let offset: UInt64
        let text: String

        var testDescription: String { "\(name), \(mode)" }
    }

    static let cases: [Case] = CPUMode.allCases.flatMap { mode in
        [
            Case(
                name: "division by zero", mode: mode, code: [0x31, 0xC9, 0xF7, 0xF1], vector: 0, offset: 2,
                text: "#DE, a division by zero or one whose result is too large"),
            Case(
                name: "ud2", mode: mode, code: [0x90, 0x0F, 0x0B], vector: 6, offset: 1,
                text: "#UD, an invalid instruction"),
        ]
    }

    @Test("ends the run by its name and place, with the registers as it found them", arguments: cases)
    func exception(_ expected: Case) throws {
        let run = try GuestRun(code: expected.code) { $0.mode = expected.mode }
        guard case .exception(let exception) = run.reason else {
            Issue.record("\(run.reason)")
            return
        }
        let entry: UInt64 = expected.mode == .real ? 0x7C00 : 0x10_0000
        let place = expected.mode == .real ? "0000:7c0\(expected.offset)" : "0x10000\(expected.offset)"
        #expect(exception.vector == expected.vector)
        #expect(exception.errorCode == nil)
        #expect(!exception.isCall)
        #expect(exception.state.registers.rip == entry + expected.offset)
        #expect(exception.state.registers.rsp == (expected.mode == .real ? 0x7C00 : 0x80000))
        #expect(exception.state.special.cs.selector == (expected.mode == .real ? 0 : 0x10))
        #expect(exception.state.instruction.bytes.starts(with: expected.code[Int(expected.offset)...]))
        #expect(
            exception.description == "the guest has no handler for what came at \(place): \(expected.text)")
    }

    @Test("each exception of each mode is told by its name", arguments: ExceptionCase.all)
    func name(_ expected: ExceptionCase) throws {
        let run = try GuestRun(code: expected.code) { $0.mode = expected.mode }
        let outcome = ExceptionCase.outcome(of: run.reason)
        #expect(expected.allows(outcome, modules: HostFacts.loadedModules), "\(outcome)")
    }

    @Test("a page fault is told with the access and its address, on a stack of its own in long mode")
    func pageFault() throws {
        // mov $0x100000000, %rax; mov %rax, %rsp; mov (%rax), %rbx: the first address that is not mapped.
        let run = try GuestRun(
            code: [0x48, 0xB8, 0, 0, 0, 0, 1, 0, 0, 0, 0x48, 0x89, 0xC4, 0x48, 0x8B, 0x18]
        ) { $0.mode = .long }
        guard case .exception(let exception) = run.reason else {
            Issue.record("\(run.reason)")
            return
        }
        #expect(exception.errorCode == 0)
        #expect(exception.state.registers.rsp == 1 << 32)
        #expect(exception.state.stack.isEmpty)
        #expect(
            exception.description
                == "the guest has no handler for what came at 0x10000d: #PF, a page fault: no page at a read of 0x100000000"
        )
    }

    @Test("a call of a BIOS that is not there is told as one")
    func call() throws {
        let run = try GuestRun(code: [0xB8, 0x41, 0x0E, 0xCD, 0x10])  // mov $0x0e41, %ax; int $0x10
        guard case .exception(let exception) = run.reason else {
            Issue.record("\(run.reason)")
            return
        }
        #expect(exception.isCall)
        #expect(exception.what == "INT 0x10 was called, with AX 0xe41")
        #expect(exception.state.place == "0000:7c05")
    }

    @Test("a write to the port from elsewhere is one that no device answers")
    func writeFromElsewhere() throws {
        let run = try GuestRun(code: [0xE6, 0xEA, 0xF4])  // out %al, $0xea; hlt
        #expect(run.reason == .halted)
        #expect(run.report.unmappedPorts.map(\.address) == ["0xea"])
    }

    @Test("a guest whose table is its own has none of it")
    func ownTable() throws {
        // lidt of zeros, ud2: a triple fault.
        let run = try GuestRun(code: [0x0F, 0x01, 0x1D, 0x20, 0, 0x10, 0, 0x0F, 0x0B]) { $0.mode = .protected }
        guard case .tripleFault = run.reason else {
            Issue.record("\(run.reason)")
            return
        }
    }
}
