import KVM
import TestSupport
import Testing

@Suite("Port exits", .requiresKVM)
struct PortExitTests {
    @Test("OUT exits with its port, its width and its bytes, lowest first")
    func writes() throws {
        var machine = try TestMachine([
            0x66, 0xB8, 0x11, 0x22, 0x33, 0x44,  // movl $0x44332211, %eax
            0xE6, 0x42,  // outb %al, $0x42
            0xE7, 0x44,  // outw %ax, $0x44
            0xBA, 0x34, 0x12,  // movw $0x1234, %dx
            0x66, 0xEF,  // outl %eax, %dx
            0xF4,  // hlt
        ])
        let expected: [(port: UInt16, bytes: [UInt8])] = [
            (0x42, [0x11]), (0x44, [0x11, 0x22]), (0x1234, [0x11, 0x22, 0x33, 0x44]),
        ]
        for (port, bytes) in expected {
            let exit = try machine.vcpu.nextExit()
            #expect(exit == .portWrite(PortAccess(port: port, width: UInt8(bytes.count), count: 1)))
            let written = machine.vcpu.portBytes()
            #expect(written == bytes)
        }
        let last = try machine.vcpu.nextExit()
        #expect(last == .halt)
    }

    @Test("IN gives the guest the bytes of the answer, as many as it asked for")
    func reads() throws {
        var machine = try TestMachine([
            0xE4, 0x42,  // inb $0x42, %al
            0xA2, 0x00, 0x20,  // movb %al, 0x2000
            0xE5, 0x44,  // inw $0x44, %ax
            0xA3, 0x01, 0x20,  // movw %ax, 0x2001
            0x66, 0xE5, 0x46,  // inl $0x46, %eax
            0x66, 0xA3, 0x03, 0x20,  // movl %eax, 0x2003
            0xF4,  // hlt
        ])
        let expected: [(port: UInt16, bytes: [UInt8])] = [
            (0x42, [0x11]), (0x44, [0x22, 0x33]), (0x46, [0x44, 0x55, 0x66, 0x77]),
        ]
        for (port, bytes) in expected {
            let exit = try machine.vcpu.nextExit()
            #expect(exit == .portRead(PortAccess(port: port, width: UInt8(bytes.count), count: 1)))
            machine.vcpu.answerPort(bytes)
        }
        let last = try machine.vcpu.nextExit()
        #expect(last == .halt)
        #expect(machine.memory.load(8, at: 0x2000) == [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0])
    }

    @Test("REP INS asks for many elements at once, and all of them reach the guest", arguments: [1, 2, 4])
    func stringInput(width: Int) throws {
        let instruction: [UInt8] =
            switch width {
            case 1: [0x6C]  // insb
            case 2: [0x6D]  // insw
            default: [0x66, 0x6D]  // insl
            }
        var machine = try TestMachine(
            [
                0xBF, 0x00, 0x20,  // movw $0x2000, %di
                0xB9, 0x10, 0x00,  // movw $16, %cx
                0xBA, 0xE9, 0x00,  // movw $0xE9, %dx
                0xF3,  // rep
            ] + instruction + [
                0xF4  // hlt
            ])
        var given: [UInt8] = []
        var exits = 0
        while true {
            let exit = try machine.vcpu.nextExit()
            guard case .portRead(let access) = exit else {
                #expect(exit == .halt)
                break
            }
            exits += 1
            #expect(access.port == 0xE9)
            #expect(Int(access.width) == width)
            // A byte each, distinct, so that a wrong order or a wrong count of elements is seen.
            let count = Int(access.count) * width
            let size = machine.vcpu.withPortData { $0.count }
            #expect(size == count)
            let answer = (0..<count).map { UInt8(truncatingIfNeeded: given.count + $0 + 1) }
            machine.vcpu.answerPort(answer)
            given += answer
        }
        #expect(exits == 1)
        #expect(given.count == 16 * width)
        #expect(machine.memory.load(16 * width + 1, at: 0x2000) == given + [0])
    }

    @Test("REP OUTS gives each element, in order", arguments: [1, 2])
    func stringOutput(width: Int) throws {
        var machine = try TestMachine([
            0xBE, 0x00, 0x20,  // movw $0x2000, %si
            0xB9, 0x06, 0x00,  // movw $6, %cx
            0xBA, 0xF8, 0x03,  // movw $0x3F8, %dx
            0xF3, width == 1 ? 0x6E : 0x6F,  // rep outsb or outsw
            0xF4,  // hlt
        ])
        let content = (0..<6 * width).map { UInt8($0 + 0x41) }
        machine.memory.store(content, at: 0x2000)
        var written: [UInt8] = []
        while true {
            let exit = try machine.vcpu.nextExit()
            guard case .portWrite(let access) = exit else {
                #expect(exit == .halt)
                break
            }
            #expect(access.port == 0x3F8)
            #expect(Int(access.width) == width)
            let bytes = machine.vcpu.portBytes()
            #expect(bytes.count == Int(access.count) * width)
            written += bytes
        }
        #expect(written == content)
    }

    @Test("there is no port data after an exit of another kind")
    func noData() throws {
        var machine = try TestMachine([
            0xE6, 0x42,  // outb %al, $0x42
            0xF4,  // hlt
            0xE6, 0x42,  // outb %al, $0x42
            0xEB, 0xFE,  // jmp to itself
        ])
        var before = machine.vcpu.withPortData { $0.count }
        #expect(before == 0)
        _ = try machine.vcpu.nextExit()
        let halt = try machine.vcpu.nextExit()
        #expect(halt == .halt)
        before = machine.vcpu.withPortData { $0.count }
        #expect(before == 0)
    }

    @Test("there is no port data after a kick, whenever it came")
    func noDataAfterKick() throws {
        var machine = try TestMachine([
            0xE6, 0x42,  // outb %al, $0x42
            0xEB, 0xFC,  // jmp to the start
        ])
        for _ in 0..<3 {
            let exit = try machine.vcpu.nextExit()
            #expect(exit == .portWrite(PortAccess(port: 0x42, width: 1, count: 1)))
            let size = machine.vcpu.withPortData { $0.count }
            #expect(size == 1)
            machine.vcpu.kicker.kick()
            while try machine.vcpu.run() == .interrupted {
                let size = machine.vcpu.withPortData { $0.count }
                #expect(size == 0)
            }
        }
    }
}
