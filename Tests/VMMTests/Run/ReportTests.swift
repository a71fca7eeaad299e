import KVM
import TestSupport
import Testing

@testable import VMM

@Suite("The report of a run")
struct ReportTests {
    @Test("exits are counted by kind and by port, each exactly", .requiresKVM)
    func exactCounts() throws {
        let run = try GuestRun(code: [
            0xB9, 0x03, 0x00,  // movw $3, %cx
            0xE6, 0x80,  // outb %al, $0x80
            0xE2, 0xFC,  // loop to the outb
            0xBA, 0xFD, 0x03,  // movw $0x3FD, %dx
            0xEC,  // inb %dx, %al
            0xEC,  // inb %dx, %al
            0xBA, 0xF8, 0x03,  // movw $0x3F8, %dx
            0xEE,  // outb %al, %dx
            0xE6, 0xE9,  // outb %al, $0xE9
            0xE6, 0xE9,  // outb %al, $0xE9
            0xF4,  // hlt
        ])
        #expect(run.reason == .halted)
        // An interruption may be there for an earlier run on this thread.
        let kinds = run.report.exitsByKind.filter { $0.key != "interrupted" }
        #expect(kinds == ["portWrite": 6, "portRead": 2, "halt": 1])
        #expect(run.report.exitCount == run.report.exitsByKind.values.reduce(0, +))
        #expect(
            run.report.exitsByPort == [
                RunReport.PortCount(port: "0x80", direction: "write", count: 3),
                RunReport.PortCount(port: "0xe9", direction: "write", count: 2),
                RunReport.PortCount(port: "0x3f8", direction: "write", count: 1),
                RunReport.PortCount(port: "0x3fd", direction: "read", count: 2),
            ])
        #expect(run.report.exitsByPage == [])
        #expect(run.report.consoleBytes == ["uart": 1, "debug": 2, "hypercall": 0])
        #expect(run.report.postCode == 0)
        #expect(run.report.wallNanoseconds > 0)
        #expect(run.report.cpuNanoseconds > 0)
    }

    @Test("a string input of many elements is one exit", .requiresKVM)
    func stringInput() throws {
        let run = try GuestRun(code: [
            0xBF, 0x00, 0x20,  // movw $0x2000, %di
            0xB9, 0x40, 0x00,  // movw $64, %cx
            0xBA, 0xE9, 0x00,  // movw $0xE9, %dx
            0xF3, 0x6C,  // rep insb
            0xF4,  // hlt
        ])
        #expect(run.report.exitsByPort == [RunReport.PortCount(port: "0xe9", direction: "read", count: 1)])
    }

    @Test("of more ports than anyone reads, those that count most are told, and the others together", .requiresKVM)
    func manyPorts() throws {
        let run = try GuestRun(code: [
            0xBA, 0x00, 0x10,  // movw $0x1000, %dx
            0xB9, 0x2C, 0x01,  // movw $300, %cx
            0xEE,  // 1: outb %al, %dx
            0x42,  // incw %dx
            0xE2, 0xFC,  // loop 1b
            0x4A, 0xEE, 0xEE,  // decw %dx; outb %al, %dx; outb %al, %dx
            0xF4,  // hlt
        ])
        let ports = run.report.exitsByPort
        #expect(ports.count == 257)
        #expect(ports.first == RunReport.PortCount(port: "0x1000", direction: "write", count: 1))
        #expect(ports.dropLast().last == RunReport.PortCount(port: "0x112b", direction: "write", count: 3))
        #expect(ports.last == RunReport.PortCount(port: "others", direction: "both", count: 44))
    }

    @Test("where the run was stopped before its guest, all is zero but the time", .requiresKVM)
    func beforeTheGuest() throws {
        let machine = try VirtualMachine(MachineConfiguration(image: .bytes([0xF4])))
        machine.control.stop()
        let report = machine.run().report
        #expect(report.exitCount == 0)
        #expect(report.exitsByKind == [:])
        #expect(report.wallNanoseconds > 0)
        #expect(report.postCode == nil)
        #expect(report.consoleBytes == ["uart": 0, "debug": 0, "hypercall": 0])
    }

    @Test("memory-mapped accesses are counted by page and direction")
    func pages() {
        var tally = ExitTally()
        for address in [0xD000_0000, 0xD000_0FFF, 0xD000_1000] as [UInt64] {
            tally.count(.mmioRead(address: address, width: 1))
        }
        tally.count(.mmioWrite(address: 0xD000_0800, width: 4, value: 1))
        var report = RunReport()
        report.add(tally)
        #expect(report.exitsByKind == ["mmioRead": 3, "mmioWrite": 1])
        #expect(
            report.exitsByPage == [
                RunReport.PageCount(page: "0xd0000000", direction: "read", count: 2),
                RunReport.PageCount(page: "0xd0000000", direction: "write", count: 1),
                RunReport.PageCount(page: "0xd0001000", direction: "read", count: 1),
            ])
    }

    @Test("port accesses are counted by port and direction, those of several vCPUs together")
    func ports() {
        var (first, second) = (ExitTally(), ExitTally())
        func access(_ port: UInt16) -> PortAccess { PortAccess(port: port, width: 1, count: 1) }
        for port in [0xFFFF, 0x3F8, 0, 0x3F8] as [UInt16] { first.count(.portWrite(access(port))) }
        first.count(.portRead(access(0x3F8)))
        for port in [0x3F8, 0x8000] as [UInt16] { second.count(.portRead(access(port))) }
        first.add(second)
        var report = RunReport()
        report.add(first)
        #expect(report.exitsByKind == ["portRead": 3, "portWrite": 4])
        #expect(
            report.exitsByPort == [
                RunReport.PortCount(port: "0x0", direction: "write", count: 1),
                RunReport.PortCount(port: "0x3f8", direction: "read", count: 2),
                RunReport.PortCount(port: "0x3f8", direction: "write", count: 2),
                RunReport.PortCount(port: "0x8000", direction: "read", count: 1),
                RunReport.PortCount(port: "0xffff", direction: "write", count: 1),
            ])
    }

    @Test("a guest that touches many pages makes no more than 256 lines, and one for the others")
    func manyPages() {
        var tally = ExitTally()
        for _ in 0..<2 {
            for page in 0..<1_000 as Range<UInt64> {
                tally.count(.mmioRead(address: page << 12, width: 1))
            }
        }
        var report = RunReport()
        report.add(tally)
        #expect(report.exitsByPage.count == 257)
        #expect(report.exitsByPage.first == RunReport.PageCount(page: "0x0", direction: "read", count: 2))
        #expect(report.exitsByPage.last == RunReport.PageCount(page: "others", direction: "both", count: 1_488))
    }

    @Test(
        "each exit has a kind, those without one of their own are others",
        arguments: [
            (.halt, "halt"), (.shutdown, "shutdown"), (.interrupted, "interrupted"), (.unknown(reason: 9), "other"),
            (.interruptWindowOpen, "other"), (.entryFailure(reason: 1, cpu: 0), "other"),
        ] as [(VCPUExit, String)])
    func kinds(exit: VCPUExit, name: String) {
        #expect(ExitKind(exit).name == name)
    }
}
