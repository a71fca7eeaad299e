import TestSupport
import Testing

@testable import VMM

/// What no device answers, as a guest sees it and as the report tells it.
@Suite("Where no device is", .requiresKVM)
struct UnmappedTests {
    /// Prints the four bytes of EAX, lowest first: outb %al, $0xE9; shrl $8, %eax, four times.
    private static let printEAX: [UInt8] = Array(
        repeatElement([0xE6, 0xE9, 0x66, 0xC1, 0xE8, 0x08], count: 4).joined())

    @Test("reads of a port are all ones in their width, writes are dropped, and both are in the report")
    func ports() throws {
        let run = try GuestRun(
            code: [
                0x66, 0x31, 0xC0,  // xorl %eax, %eax
                0xBA, 0x34, 0x12,  // movw $0x1234, %dx
                0xEC,  // inb %dx, %al
            ] + Self.printEAX + [0x66, 0x31, 0xC0, 0xED] + Self.printEAX  // inw
                + [0x66, 0xED] + Self.printEAX  // inl
                + [0xEE, 0xEF, 0xF4])  // outb, outw, hlt
        #expect(run.reason == .halted)
        #expect(run.output == [0xFF, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])
        #expect(run.report.unmappedPorts == [RunReport.UnmappedCount(address: "0x1234", reads: 3, writes: 2)])
    }

    @Test("an access across the end of a device is nobody's")
    func straddlingPort() throws {
        // movw $0x3FF, %dx; inw %dx, %ax: the serial port's last register and what follows it.
        let run = try GuestRun(code: [0x66, 0x31, 0xC0, 0xBA, 0xFF, 0x03, 0xED] + Self.printEAX + [0xF4])
        #expect(run.output == [0xFF, 0xFF, 0, 0])
        #expect(run.report.unmappedPorts == [RunReport.UnmappedCount(address: "0x3ff", reads: 1, writes: 0)])
    }

    @Test("string input from nowhere is all ones, each element counted")
    func stringInput() throws {
        let run = try GuestRun(code: [
            0xBF, 0x00, 0x20,  // movw $0x2000, %di
            0xB9, 0x10, 0x00,  // movw $16, %cx
            0xBA, 0x34, 0x12,  // movw $0x1234, %dx
            0xF3, 0x6D,  // rep insw
            0xBE, 0x00, 0x20,  // movw $0x2000, %si
            0xB9, 0x21, 0x00,  // movw $33, %cx
            0xBA, 0xE9, 0x00,  // movw $0xE9, %dx
            0xF3, 0x6E,  // rep outsb
            0xF4,  // hlt
        ])
        #expect(run.output == [UInt8](repeating: 0xFF, count: 32) + [0])
        #expect(run.report.unmappedPorts == [RunReport.UnmappedCount(address: "0x1234", reads: 16, writes: 0)])
    }

    @Test("memory that is neither RAM nor a device reads as all ones, takes writes, and is in the report")
    func memory() throws {
        let run = try GuestRun(
            code: [
                0xB8, 0xFF, 0xFF,  // movw $0xFFFF, %ax
                0x8E, 0xC0,  // movw %ax, %es
                0x26, 0x66, 0xA1, 0x10, 0x00,  // movl %es:0x10, %eax: at 0x100000, the end of RAM
            ] + Self.printEAX + [
                0x26, 0x66, 0xA3, 0x20, 0x00,  // movl %eax, %es:0x20
                0xF4,  // hlt
            ]
        ) { $0.memorySize = 1 << 20 }
        #expect(run.reason == .halted)
        #expect(run.output == [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(
            run.report.unmappedMemory == [
                RunReport.UnmappedCount(address: "0x100000", reads: 1, writes: 0),
                RunReport.UnmappedCount(address: "0x100010", reads: 0, writes: 1),
            ])
        #expect(
            run.report.exitsByPage == [
                RunReport.PageCount(page: "0x100000", direction: "read", count: 1),
                RunReport.PageCount(page: "0x100000", direction: "write", count: 1),
            ])
    }

    @Test("a guest that tries every port gets 256 lines in the report, and one for the others")
    func everyPort() throws {
        let run = try GuestRun(code: [
            0xBA, 0x00, 0x80,  // movw $0x8000, %dx
            0xEC,  // inb %dx, %al
            0x42,  // incw %dx
            0x81, 0xFA, 0x00, 0x84,  // cmpw $0x8400, %dx
            0x75, 0xF8,  // jne to the inb
            0xF4,  // hlt
        ])
        #expect(run.reason == .halted)
        let lines = run.report.unmappedPorts
        #expect(lines.count == 257)
        #expect(lines.first == RunReport.UnmappedCount(address: "0x8000", reads: 1, writes: 0))
        #expect(lines.last == RunReport.UnmappedCount(address: "others", reads: 768, writes: 0))
        let exits = run.report.exitsByPort
        #expect(exits.count == 257)
        #expect(exits.last == RunReport.PortCount(port: "others", direction: "both", count: 768))
    }
}
