import TestSupport
import Testing

@testable import DeviceModel

/// What the boot sectors that are compared with another BIOS cannot see; the rest is in their golden files.
@Suite("Services of the BIOS")
struct BIOSServiceTests {
    @Test(
        "a service that is not there leaves the registers alone",
        arguments: [
            (0x10, 0x0013), (0x10, 0x4F02), (0x10, 0x0C00), (0x10, 0x1130), (0x13, 0x0501), (0x14, 0x0400),
            (0x15, 0xC200),
            (0x15, 0x5307), (0x16, 0x2000), (0x17, 0x0000), (0x18, 0x0000), (0x1A, 0x0300), (0x21, 0x0900),
            (0x06, 0x0000),
        ] as [(UInt8, UInt16)])
    func absent(vector: UInt8, ax: UInt16) throws {
        let bench = try BIOSBench(floppy: BIOSBench.MemoryDrive(sectors: 2880))
        var registers = BIOSRegisters()
        registers.ax = ax
        registers.flags = 0x41
        let before = registers
        #expect(bench.bios.call(vector, &registers) == .absent)
        #expect(registers == before)
    }

    @Test("the machine begins anew by INT 19h, and is switched off by APM")
    func ends() throws {
        let bench = try BIOSBench()
        #expect(bench.outcome(0x19, ax: 0) == .reset)
        var registers = BIOSRegisters()
        (registers.ax, registers.bx, registers.cx) = (0x5307, 1, 3)
        #expect(bench.bios.call(0x15, &registers) == .powerOff)
    }

    @Test("the teletype prints letters as UTF-8, and none can hurt a terminal")
    func letters() throws {
        let bench = try BIOSBench()
        for character in UInt8(0)...255 { _ = bench.outcome(0x10, ax: 0x0E00 | UInt16(character)) }
        let text = String(decoding: bench.console.bytes, as: UTF8.self)
        #expect(text.hasPrefix(" ☺☻♥♦♣♠\u{07}\u{08}○\n♂♀\r♫☼"))
        #expect(text.contains(" !\"#$%&'()*+,-./0123456789:;<=>?"))
        #expect(text.hasSuffix("ⁿ²■\u{A0}"))
        #expect(text.unicodeScalars.count == 256)
        #expect(text.unicodeScalars.filter { $0.value < 0x20 || $0.value == 0x7F }.map(\.value) == [7, 8, 10, 13])
    }

    @Test("a wait ends when its time has come and not before, and there is one at a time")
    func wait() throws {
        let bench = try BIOSBench()
        var registers = BIOSRegisters()
        (registers.ax, registers.cx, registers.dx, registers.flags) = (0x8600, 0x0001, 0x0000, 1)
        let before = registers
        #expect(bench.bios.call(0x15, &registers) == .waitsForTime)
        #expect(registers == before)
        bench.now = 65_535_999
        #expect(bench.bios.goOnWaiting(&registers) == .waitsForTime)
        let second = bench.call(0x15) { $0.ax = 0x8600 }
        #expect(second.carry && second.ah == 0x83)
        bench.now = 65_536_000
        #expect(bench.bios.goOnWaiting(&registers) == .done)
        #expect(!registers.carry)
        #expect(bench.outcome(0x15, ax: 0x8600) == .waitsForTime)
    }

    @Test("the ticks begin with the time of day, and a day has 1,573,040")
    func ticks() throws {
        // 12:00:01.
        let bench = try BIOSBench(time: 43_201)
        let ticks = UInt32(bench.word(0x46C)) | UInt32(bench.word(0x46E)) << 16
        #expect(ticks == 43_201 * 1_193_182 >> 16)
        bench.put([0xAF, 0x00, 0x18, 0x00], at: 0x46C)
        _ = bench.outcome(8, ax: 0)
        let clock = bench.call(0x1A) { $0.ah = 0 }
        #expect(clock.al == 1 && clock.cx == 0 && clock.dx == 0)
        let time = bench.call(0x1A) { $0.ah = 2 }
        #expect((time.ch, time.cl, time.dh) == (0x12, 0x00, 0x01))
        let date = bench.call(0x1A) { $0.ah = 4 }
        #expect((date.cx, date.dx) == (0x1970, 0x0101))
    }

    @Test("who has asked for no key has half a second to turn interrupts off before one comes")
    func firstKeys() throws {
        let bench = try BIOSBench()
        for _ in 0..<10 { _ = bench.outcome(8, ax: 0) }
        #expect(bench.keyWishes == 0)
        _ = bench.outcome(8, ax: 0)
        #expect(bench.keyWishes == 1)
        let asked = try BIOSBench()
        _ = asked.outcome(0x16, ax: 0x0100)
        #expect(asked.keyWishes == 1)
    }

    @Test("a byte goes out by the serial port, and none has come")
    func serial() throws {
        let bench = try BIOSBench()
        let sent = bench.call(0x14) { $0.ax = 0x0153 }
        #expect(sent.ah == 0x60 && !sent.carry)
        #expect(bench.console.bytes == [0x53])
        #expect(bench.call(0x14) { $0.ah = 2 }.ah == 0xE0)
        #expect(bench.call(0x14) { $0.ax = 0x00E3 }.ax == 0x60B0)
        #expect(bench.call(0x14) { ($0.ah, $0.dx) = (3, 1) }.carry)
        // The guest may change the word, but no other device is had by it.
        bench.put([0x60, 0x00], at: 0x400)
        #expect(bench.call(0x14) { $0.ax = 0x01FE }.carry)
    }

    @Test(
        "disks are divided as a PC's",
        arguments: [
            (320, nil, 40, 1, 8), (720, nil, 40, 2, 9), (2880, nil, 80, 2, 18), (5760, nil, 80, 2, 36),
            (1, 0x80, 2, 16, 63), (2879, 0x80, 2, 16, 63), (20_160, 0x80, 20, 16, 63), (2_000_000, 0x80, 992, 32, 63),
            (1 << 33, 0x80, 1024, 255, 63),
        ] as [(UInt64, UInt8?, UInt16, UInt16, UInt16)])
    func geometry(sectors: UInt64, drive: UInt8?, cylinders: UInt16, heads: UInt16, track: UInt16) {
        let expected = DiskGeometry(cylinders: cylinders, heads: heads, sectors: track)
        #expect(DiskGeometry.floppy(sectors)?.geometry == (drive == nil ? expected : nil))
        if drive != nil { #expect(DiskGeometry.hardDisk(sectors) == expected) }
    }

    @Test("the second disk is 81h, and one that cannot be written says why")
    func disks() throws {
        let disks = [BIOSBench.MemoryDrive(sectors: 9), BIOSBench.MemoryDrive(sectors: 20, refusal: .writeProtected)]
        let bench = try BIOSBench(hardDisks: disks)
        let read = bench.call(0x13) { ($0.ax, $0.bx, $0.cx, $0.dx) = (0x0202, 0x8000, 10, 0x81) }
        #expect(!read.carry && read.ax == 2)
        #expect(bench.word(0x8000) == 9 && bench.word(0x8200) == 10)
        let behind = bench.call(0x13) { ($0.ax, $0.bx, $0.cx, $0.dx) = (0x0202, 0x8000, 9, 0x80) }
        #expect(behind.carry && behind.ah == 0x0C)
        let write = bench.call(0x13) { ($0.ax, $0.bx, $0.cx, $0.dx) = (0x0301, 0x8000, 1, 0x81) }
        #expect(write.carry && write.ah == 0x03)
        #expect(bench.call(0x13) { ($0.ah, $0.dl) = (1, 0x80) }.ah == 0x03)
        let nowhere = bench.call(0x13) { ($0.ax, $0.cx, $0.dx) = (0x0280, 1, 0x80) }
        #expect(nowhere.carry)
        #expect(bench.call(0x13) { ($0.ah, $0.dl) = (8, 0x80) }.dl == 2)
    }

    @Test("registers, memory and data area at random trap nowhere", arguments: 1...4 as ClosedRange<UInt64>)
    func random(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let floppy = seed % 2 == 0 ? BIOSBench.MemoryDrive(sectors: 2880) : nil
        let bench = try BIOSBench(hardDisks: [BIOSBench.MemoryDrive(sectors: 70)], floppy: floppy)
        let vectors: [UInt8] = [8, 9, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x19, 0x1A]
        for _ in 0..<TestScale.count(20_000) {
            if random.next() % 4 == 0 {
                bench.put([UInt8(truncatingIfNeeded: random.next())], at: 0x400 + random.next() % 0x100)
            }
            var registers = BIOSRegisters()
            registers.eax = UInt32(truncatingIfNeeded: random.next())
            // Numbers of functions are low, most of them.
            if random.next() % 4 != 0 { registers.ah &= 0x1F }
            registers.ebx = UInt32(truncatingIfNeeded: random.next())
            registers.ecx = UInt32(truncatingIfNeeded: random.next() >> (random.next() % 32))
            registers.edx = UInt32(truncatingIfNeeded: random.next() >> (random.next() % 32))
            registers.esi = UInt32(truncatingIfNeeded: random.next())
            registers.edi = UInt32(truncatingIfNeeded: random.next())
            registers.ebp = UInt32(truncatingIfNeeded: random.next())
            registers.es = UInt16(truncatingIfNeeded: random.next())
            registers.ds = UInt16(truncatingIfNeeded: random.next())
            if random.next() % 2 == 0 { registers.dl = 0x80 }
            let vector = vectors[Int(random.next() % UInt64(vectors.count))]
            bench.now = Int64(bitPattern: random.next())
            if bench.bios.call(vector, &registers) == .waitsForTime { _ = bench.bios.goOnWaiting(&registers) }
        }
        #expect(bench.console.bytes.count > 0)
    }
}

@Suite("The registers of the screen")
struct TextVideoTests {
    @Test("the beam returns for those who wait for it, and is away for those who wait for that")
    func beam() {
        let video = TextVideo()
        let states = (0..<64).map { _ in video.read(offset: 0x1A, width: 1) & 8 }
        #expect(Set(states) == [0, 8])
    }

    @Test("registers behind an index keep what is written")
    func registers() {
        let video = TextVideo()
        for index in 0..<256 as Range<UInt64> {
            video.write(offset: 0x14, width: 1, value: index)
            video.write(offset: 0x15, width: 1, value: index ^ 0xFF)
        }
        video.write(offset: 0x14, width: 2, value: 0x5A0E)
        #expect(video.read(offset: 0x15, width: 1) == 0x5A)
        video.write(offset: 0x08, width: 1, value: 255)
        for value in 1...6 as ClosedRange<UInt64> { video.write(offset: 0x09, width: 1, value: value) }
        video.write(offset: 0x07, width: 1, value: 255)
        #expect((0..<6).map { _ in video.read(offset: 0x09, width: 1) } == [1, 2, 3, 4, 5, 6])
    }
}
