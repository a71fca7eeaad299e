import DeviceModel
import TestSupport
import Testing

@testable import VMM

/// What boot sectors of a few bytes do with their BIOS; each service is tried by the guests `bios-…`.
@Suite("Boot sectors", .requiresKVM)
struct BootSectorTests {
    /// Code as a boot sector, with sectors behind it that begin with their number.
    private static func image(_ code: [UInt8], sectors: Int = 1) -> [UInt8] {
        var image = code + [UInt8](repeating: 0, count: 510 - code.count) + [0x55, 0xAA]
        for sector in 1..<sectors { image += [UInt8(sector)] + [UInt8](repeating: 0, count: 511) }
        return image
    }

    private static func run(
        _ code: [UInt8], sectors: Int = 1, _ configure: (inout MachineConfiguration) -> Void = { _ in }
    ) throws -> GuestRun {
        try GuestRun(.bytes(image(code, sectors: sectors)), configure)
    }

    /// mov $status, %al; mov $0x500, %dx; out %al, %dx
    private static let exit: [UInt8] = [0xBA, 0x00, 0x05, 0xEE]

    @Test("it begins at 0000:7C00 with its drive's number and interrupts on, and its teletype prints")
    func begins() throws {
        // mov %dl, %bl; pushf; pop %cx; mov $0x0e48, %ax; int $0x10; mov %ch, %al; and $2, %al; add %bl, %al; exit
        let run = try Self.run(
            [0x88, 0xD3, 0x9C, 0x59, 0xB8, 0x48, 0x0E, 0xCD, 0x10, 0x88, 0xE8, 0x24, 0x02, 0x00, 0xD8] + Self.exit)
        #expect(run.text == "H")
        #expect(run.reason == .exited(status: 0x82))
        #expect(run.report.unmappedPorts.isEmpty)
    }

    @Test("a program that looks for keys at the port itself gets all of them, though the BIOS has no room for more")
    func polling() throws {
        // xor %bx, %bx; mov $0, %ah; 1: in $0x60, %al; cmp %al, %ah; je 1b; mov %al, %ah; test $0x80, %al; jnz 1b; inc %bx;
        // cmp $40, %bx; jb 1b; mov $7, %al; mov $0x500, %dx; out %al, %dx
        let run = try Self.run(
            [
                0x31, 0xDB, 0xB4, 0x00, 0xE4, 0x60, 0x38, 0xC4, 0x74, 0xFA, 0x88, 0xC4, 0xA8, 0x80, 0x75, 0xF4, 0x43,
                0x83, 0xFB, 0x28, 0x72, 0xEE, 0xB0, 0x07, 0xBA, 0x00, 0x05, 0xEE,
            ]
        ) { $0.input = ConsoleInput(Array(String(repeating: "ab", count: 30).utf8)) }
        #expect(run.reason == .exited(status: 7))
    }

    @Test(
        "a service that is not there ends the run by its name and place",
        arguments: [
            ([0xB8, 0x02, 0x4F, 0xCD, 0x10], "INT 10h AX=4F02h at 0000:7c03"),
            ([0x31, 0xC0, 0xCD, 0x21], "INT 21h AX=0000h at 0000:7c02"),
            ([0xB8, 0x13, 0x00, 0xCD, 0x10], "INT 10h AX=0013h at 0000:7c03"),
            ([0xB8, 0x01, 0x00, 0xCD, 0x18], "INT 18h AX=0001h at 0000:7c03"),
        ] as [([UInt8], String)])
    func absent(code: [UInt8], words: String) throws {
        let run = try Self.run(code)
        guard case .exception(let exception) = run.reason else {
            Issue.record("\(run.reason)")
            return
        }
        #expect(exception.description == "the BIOS here has no such service: \(words)")
    }

    @Test("an exception is told as anywhere")
    func exception() throws {
        let run = try Self.run([0x0F, 0x0B])
        guard case .exception(let exception) = run.reason else {
            Issue.record("\(run.reason)")
            return
        }
        #expect(
            exception.description
                == "the guest has no handler for what came at 0000:7c00: #UD, an invalid instruction")
    }

    @Test(
        "it resets the machine by INT 19h and by a jump to the reset vector, and switches it off by APM",
        arguments: [
            ([0xCD, 0x19], .reset(.bios)), ([0xEA, 0x00, 0x00, 0xFF, 0xFF], .reset(.bios)),
            ([0xEA, 0xF0, 0xFF, 0x00, 0xF0], .reset(.bios)),
            ([0xB8, 0x07, 0x53, 0xBB, 0x01, 0x00, 0xB9, 0x03, 0x00, 0xCD, 0x15], .poweredOff),
            ([0xFA, 0xF4], .halted),
        ] as [([UInt8], StopReason)])
    func ends(code: [UInt8], reason: StopReason) throws {
        #expect(try Self.run(code).reason == reason)
    }

    @Test("one that waits for a key, for a time or for nothing is ended by its deadline")
    func deadline() throws {
        for code in [[0x31, 0xC0, 0xCD, 0x16], [0xB4, 0x86, 0xB9, 0xFF, 0xFF, 0xCD, 0x15], [0xF4, 0xEB, 0xFD]]
            as [[UInt8]]
        {
            let run = try Self.run(code) { $0.timeout = .milliseconds(300) }
            #expect(run.reason == .deadline)
        }
    }

    @Test("a handler of its own for IRQ 1 reads scan codes, again, and before the BIOS's")
    func ownHandler() throws {
        // The handler prints the code and the code again on port 0xE9, and goes on at the old one; after a key the exit.
        let code: [UInt8] = [
            0xFA,  // cli
            0xA1, 0x24, 0x00, 0xA3, 0x40, 0x7D,  // the old vector to 0x7D40
            0xA1, 0x26, 0x00, 0xA3, 0x42, 0x7D,
            0xC7, 0x06, 0x24, 0x00, 0x30, 0x7C,  // the new one is 0000:7C30
            0xC7, 0x06, 0x26, 0x00, 0x00, 0x00,
            0xFB,  // sti
            0x31, 0xC0, 0xCD, 0x16, 0x3C, 0x71, 0x75, 0xF8,  // until it is q
            0xB0, 0x07,
        ]
        let handler: [UInt8] = [
            0x50, 0xE4, 0x60, 0xE6, 0xE9, 0xE4, 0x60, 0xE6, 0xE9, 0x58, 0xFF, 0x2E, 0x40, 0x7D,
        ]
        let image = code + Self.exit + [UInt8](repeating: 0x90, count: 0x30 - code.count - Self.exit.count) + handler
        let run = try Self.run(image) { $0.input = ConsoleInput(Array("Aq".utf8)) }
        #expect(run.reason == .exited(status: 7))
        let codes: [UInt8] = [0x2A, 0x1E, 0x9E, 0xAA, 0x10]
        #expect(run.output.prefix(10) == codes.flatMap { [$0, $0] }[...])
    }

    @Test("what it writes is there to be read, and the image stays as it is")
    func writesBesideImage() throws {
        let file = TemporaryFile(Self.image(Self.writeAndRead(drive: 0x80), sectors: 4))
        let before = try FileBytes.read(file.path)
        let run = try GuestRun(.file(file.path))
        #expect(run.reason == .exited(status: 0xEE))
        #expect(try FileBytes.read(file.path) == before)
    }

    @Test("a disk beside the image is the next one, and is written")
    func writesDisk() throws {
        let disk = TemporaryFile([UInt8](repeating: 0, count: 4 * 512))
        let run = try Self.run(Self.writeAndRead(drive: 0x81)) {
            $0.devices.append(.disk(DiskConfiguration(path: disk.path)))
        }
        #expect(run.reason == .exited(status: 0xEE))
        #expect(try FileBytes.read(disk.path)[1024] == 0xEE)
        #expect(run.report.devices.first { $0.name == "disk0" }?.requests == 3)
    }

    /// Reads sector 3, whose first byte must be its number or 0, writes EEh there, reads it into another place and exits with it.
    private static func writeAndRead(drive: UInt8) -> [UInt8] {
        [
            0xB8, 0x01, 0x02, 0xBB, 0x00, 0x80, 0xB9, 0x03, 0x00, 0xBA, drive, 0x00, 0xCD, 0x13,
            0xC6, 0x06, 0x00, 0x80, 0xEE,
            0xB8, 0x01, 0x03, 0xCD, 0x13, 0x72, 0x0D,
            0xB8, 0x01, 0x02, 0xBB, 0x00, 0x90, 0xCD, 0x13, 0x72, 0x03, 0xA0, 0x00, 0x90,
        ] + exit
    }

    @Test("a write to the BIOS's port from elsewhere is one that no device answers")
    func writeFromElsewhere() throws {
        let run = try Self.run([0xE6, 0xEA, 0xFA, 0xF4])
        #expect(run.reason == .halted)
        #expect(run.report.unmappedPorts.map(\.address) == ["0xea"])
    }
}

@Suite("How boot sectors are recognized and planned")
struct BootSectorPlanTests {
    private static func image(_ size: Int) -> [UInt8] {
        var image = [0xF4] + [UInt8](repeating: 0, count: size - 1)
        if size >= 512 { (image[510], image[511]) = (0x55, 0xAA) }
        return image
    }

    private static func plan(
        _ size: Int, mode: CPUMode? = nil, format: ImageFormat? = nil,
        _ configure: (inout MachineConfiguration) -> Void = { _ in }
    ) throws(VMMError) -> MachinePlan {
        let source = ImageSource.bytes(image(size))
        var configuration = MachineConfiguration(image: source)
        configure(&configuration)
        return try MachinePlan(configuration, image: ImageInspection(source, format: format, mode: mode))
    }

    @Test(
        "an image of exactly a floppy's size is one, and any other a hard disk",
        arguments: [
            (512, 0x80), (513, 0x80), (163_840, 0), (1_474_560, 0), (1_474_561, 0x80), (1_474_048, 0x80),
            (2_949_120, 0),
            (2 << 20, 0x80),
        ] as [(Int, UInt8)])
    func drives(size: Int, drive: UInt8) throws {
        let plan = try Self.plan(size)
        #expect(plan.boot.protocol == .bootSector(drive: drive))
        #expect(plan.boot.entry == 0x7C00)
        #expect(plan.boot.pieces.first?.fileSize == 512)
        #expect(plan.interrupts == .full)
        #expect(plan.devices.contains(DeviceSlot(name: "screen", ranges: [.ports(0x3C0..<0x3E0)])))
        for (index, piece) in plan.boot.pieces.enumerated() {
            for other in plan.boot.pieces[(index + 1)...] {
                #expect(
                    piece.address + piece.memorySize <= other.address
                        || other.address + other.memorySize <= piece.address)
            }
        }
        #expect(plan.memory.e820.map(\.start) == [0, 0x9FC00, 0xE0000, 0x10_0000, 0xFFFB_C000])
    }

    @Test("one without its mark is one where that is said, and one with it can be flat")
    func formats() throws {
        #expect(try Self.plan(100, format: .bootSector).boot.protocol == .bootSector(drive: 0x80))
        #expect(try Self.plan(511).boot.protocol == .realMode(segment: 0, offset: 0x7C00))
        #expect(try Self.plan(512, format: .flat).boot.protocol == .realMode(segment: 0, offset: 0x7C00))
        #expect(try Self.plan(512, mode: .real).boot.protocol == .bootSector(drive: 0x80))
    }

    @Test("another mode, and other interrupt controllers, are refused in words")
    func refusals() {
        #expect(
            throws: VMMError.configuration(
                "a boot sector says its own mode; leave the mode out, or take it as a flat image")
        ) {
            _ = try Self.plan(512, mode: .long)
        }
        for kind in [InterruptControllers.none, .split] {
            #expect(
                throws: VMMError.configuration(
                    "a boot sector's BIOS has a timer and a keyboard, which need a PC's interrupt controllers; ask for full ones, or take it as a flat image"
                )
            ) {
                _ = try Self.plan(512) { $0.interruptControllers = kind }
            }
        }
    }
}
