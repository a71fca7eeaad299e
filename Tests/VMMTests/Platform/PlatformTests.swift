import DeviceModel
import TestSupport
import Testing
import VMM

/// The platform as a guest sees it, in a few instructions of real mode each.
@Suite("The platform", .requiresKVM)
struct PlatformTests {
    /// movw $port, %dx
    private static func choose(_ port: UInt16) -> [UInt8] {
        [0xBA, UInt8(truncatingIfNeeded: port), UInt8(port >> 8)]
    }

    /// movb $value, %al; outb %al, %dx
    private static func write(_ value: UInt8, to port: UInt16) -> [UInt8] {
        choose(port) + [0xB0, value, 0xEE]
    }

    /// inb %dx, %al; then the byte goes to the debug console.
    private static func printByte(of port: UInt16) -> [UInt8] {
        choose(port) + [0xEC, 0xE6, 0xE9]
    }

    private static let halt: [UInt8] = [0xF4]

    @Test("the debug exit's status is the value twice and one more, from a write of any width")
    func debugExit() throws {
        let writes: [[UInt8]] = [
            [0xB0, 0x10, 0xE6, 0xF4],  // movb $0x10, %al; outb %al, $0xF4
            [0xB8, 0x10, 0x00, 0xE7, 0xF4],  // movw $0x10, %ax; outw %ax, $0xF4
            [0x66, 0xB8, 0x10, 0x00, 0x00, 0x00, 0x66, 0xE7, 0xF4],  // movl $0x10, %eax; outl %eax, $0xF4
        ]
        for code in writes { #expect(try GuestRun(code: code).reason == .exited(status: 33)) }
        #expect(try GuestRun(code: [0xB0, 0x00, 0xE6, 0xF4]).reason == .exited(status: 1))
        #expect(try GuestRun(code: [0xB0, 0xFF, 0xE6, 0xF4]).reason == .exited(status: 255))
    }

    @Test("the plain exit takes the low byte of a write of any width")
    func plainExit() throws {
        // movl $0x12345607, %eax; outb, outw or outl to 0x500
        let value: [UInt8] = [0x66, 0xB8, 0x07, 0x56, 0x34, 0x12] + Self.choose(0x500)
        for instruction in [[0xEE], [0xEF], [0x66, 0xEF]] as [[UInt8]] {
            #expect(try GuestRun(code: value + instruction).reason == .exited(status: 7))
        }
    }

    @Test("nothing runs behind an exit")
    func exitIsTheEnd() throws {
        let run = try GuestRun(code: Self.write(5, to: 0x500) + Self.write(0x41, to: 0xE9) + Self.halt)
        #expect(run.reason == .exited(status: 5))
        #expect(run.output == [])
    }

    @Test("each way to reset is known by its name")
    func resets() throws {
        #expect(try GuestRun(code: Self.write(0xFE, to: 0x64)).reason == .reset(.keyboardController))
        #expect(
            try GuestRun(code: Self.write(0xD1, to: 0x64) + Self.write(0xFE, to: 0x60)).reason
                == .reset(.keyboardController))
        // inb $0x92, %al; orb $1, %al; outb %al, $0x92
        #expect(try GuestRun(code: [0xE4, 0x92, 0x0C, 0x01, 0xE6, 0x92]).reason == .reset(.port92))
        #expect(
            try GuestRun(code: Self.write(0x02, to: 0xCF9) + Self.write(0x06, to: 0xCF9)).reason
                == .reset(.resetControl))
    }

    @Test("what is next to a reset does not reset")
    func noResets() throws {
        let code =
            Self.write(0xFF, to: 0x64) + Self.write(0x02, to: 0x92) + Self.write(0x02, to: 0xCF9)
            + Self.printByte(of: 0x64) + Self.printByte(of: 0x92) + Self.printByte(of: 0xCF9)
        let run = try GuestRun(code: code + Self.halt)
        #expect(run.reason == .halted)
        #expect(run.output == [0x04, 0x02, 0x02])
    }

    /// movl $value, %eax; outl %eax, %dx
    private static func write(word value: UInt32, to port: UInt16) -> [UInt8] {
        choose(port) + [0x66, 0xB8] + (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } + [0x66, 0xEF]
    }

    @Test("a PCI bus has a host bridge and nothing else, and its ports are no reset")
    func pci() throws {
        let code =
            Self.write(word: 0x8000_0008, to: 0xCF8) + Self.printByte(of: 0xCFF)
            + Self.write(word: 0x8000_0000, to: 0xCF8)
            + Self.printByte(of: 0xCFC) + Self.printByte(of: 0xCFD) + Self.write(word: 0x8000_0800, to: 0xCF8)
            + Self.printByte(of: 0xCFC)
        let run = try GuestRun(code: code + Self.halt)
        #expect(run.reason == .halted)
        #expect(run.output == [0x06, 0x86, 0x80, 0xFF])
        #expect(run.report.unmappedPorts == [])
    }

    @Test("fw_cfg tells the RAM's size and the number of vCPUs, byte by byte and by a string instruction")
    func firmwareConfiguration() throws {
        // movw $key, %ax; outw %ax, %dx
        func select(_ key: UInt8) -> [UInt8] { Self.choose(0x510) + [0xB8, key, 0x00, 0xEF] }
        let signature: [UInt8] = [
            0xBF, 0x00, 0x20,  // movw $0x2000, %di
            0xB9, 0x04, 0x00,  // movw $4, %cx
            0xBA, 0x11, 0x05,  // movw $0x511, %dx
            0xF3, 0x6C,  // rep insb
            0xBE, 0x00, 0x20,  // movw $0x2000, %si
            0xB9, 0x04, 0x00,  // movw $4, %cx
            0xBA, 0xE9, 0x00,  // movw $0xE9, %dx
            0xF3, 0x6E,  // rep outsb
        ]
        let code =
            select(0) + signature + select(3) + Array(repeatElement(Self.printByte(of: 0x511), count: 4).joined())
            + select(5) + Self.printByte(of: 0x511)
        let run = try GuestRun(code: code + Self.halt) {
            $0.memorySize = 0x123_4000
            $0.vcpuCount = 2
        }
        #expect(run.output == Array("QEMU".utf8) + [0x00, 0x40, 0x23, 0x01, 0x02])
    }

    @Test("0x2000 and 0x3400 to port 0x604 power off, a write of another sleep type does not")
    func powerOff() throws {
        // movw $value, %ax; outw %ax, %dx
        let other: [UInt8] = [0xB8, 0x00, 0x24, 0xEF]
        let off: [UInt8] = [0xB8, 0x00, 0x20, 0xEF]
        let usual: [UInt8] = [0xB8, 0x00, 0x34, 0xEF]
        #expect(try GuestRun(code: Self.choose(0x604) + other + off).reason == .poweredOff)
        #expect(try GuestRun(code: Self.choose(0x604) + other + usual).reason == .poweredOff)
        #expect(try GuestRun(code: Self.choose(0x604) + other + Self.halt).reason == .halted)
    }

    @Test("1 to the panic port ends the run as a panic")
    func panic() throws {
        let code = Self.choose(0x505) + [0xEC, 0xE6, 0xE9] + [0xB0, 0x02, 0xEE] + [0xB0, 0x01, 0xEE]
        let run = try GuestRun(code: code)
        #expect(run.reason == .panicked)
        #expect(run.output == [0x03])
    }

    @Test("the last POST code is in the report, and reads back")
    func postCode() throws {
        let code = Self.write(0x12, to: 0x80) + Self.write(0xAB, to: 0x80) + Self.printByte(of: 0x80) + Self.halt
        let run = try GuestRun(code: code)
        #expect(run.report.postCode == 0xAB)
        #expect(run.output == [0xAB])
    }

    @Test("the debug console tells that it is there, and prints")
    func debugConsole() throws {
        let run = try GuestRun(code: Self.printByte(of: 0xE9) + Self.write(0x41, to: 0xE9) + Self.halt)
        #expect(run.output == [0xE9, 0x41])
    }

    @Test("the serial port is empty and ready, and its scratch register keeps what it is given")
    func serialPort() throws {
        let code = Self.printByte(of: 0x3FD) + Self.write(0x5A, to: 0x3FF) + Self.printByte(of: 0x3FF) + Self.halt
        let run = try GuestRun(code: code)
        #expect(run.output == [0x60, 0x5A])
    }

    @Test("serial port and debug console share one output, in the guest's order")
    func orderOfConsoles() throws {
        var code: [UInt8] = []
        for (index, byte) in "abcdef".utf8.enumerated() {
            code += Self.write(byte, to: index % 2 == 0 ? 0x3F8 : 0xE9)
        }
        let run = try GuestRun(code: code + Self.halt)
        #expect(run.text == "abcdef")
        #expect(run.report.consoleBytes == ["uart": 3, "debug": 3, "hypercall": 0])
    }

    @Test("the clock's century is this one")
    func clock() throws {
        let run = try GuestRun(code: Self.write(0x32, to: 0x70) + Self.printByte(of: 0x71) + Self.halt)
        #expect(run.output == [0x20])
    }

    @Test("HLT ends the run with interrupts on as well: nothing can wake it")
    func haltWithInterrupts() throws {
        #expect(try GuestRun(code: [0xFB, 0xF4]).reason == .sleeping)  // sti; hlt
    }
}
