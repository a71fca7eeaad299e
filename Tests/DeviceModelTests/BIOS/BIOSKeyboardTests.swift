import TestSupport
import Testing

@testable import DeviceModel

@Suite("INT 16h and INT 9")
struct BIOSKeyboardTests {
    @Test("whatever a US keyboard types comes out as it went in", arguments: 1...126 as ClosedRange<UInt8>)
    func typed(byte: UInt8) throws {
        let bench = try BIOSBench()
        bench.type([byte])
        // The end of a line is the Enter key.
        #expect(bench.takeKey().low == (byte == 0x0A ? 0x0D : byte))
        #expect(bench.outcome(0x16, ax: 0) == .waitsForKey)
        // Nothing is held down any more.
        #expect(bench.call(0x16) { $0.ah = 2 }.al == 0)
    }

    @Test(
        "keys that a terminal sends as escape sequences have no character, and their scan code",
        arguments: [
            ("[A", 0x48E0), ("OA", 0x48E0), ("[B", 0x50E0), ("[C", 0x4DE0), ("[D", 0x4BE0), ("[H", 0x47E0),
            ("[F", 0x4FE0),
            ("[2~", 0x52E0), ("[3~", 0x53E0), ("[5~", 0x49E0), ("[6~", 0x51E0), ("[1;5A", 0x48E0), ("OP", 0x3B00),
            ("[15~", 0x3F00), ("[21~", 0x4400), ("[23~", 0x8500), ("[24~", 0x8600),
        ] as [(String, UInt16)])
    func sequences(text: String, key: UInt16) throws {
        let bench = try BIOSBench()
        bench.type([0x1B] + Array(text.utf8))
        #expect(bench.takeKey(0x10) == key)
        bench.type([0x1B] + Array(text.utf8))
        #expect(bench.takeKey() == key & 0xFF00)
        #expect(bench.outcome(0x16, ax: 0) == .waitsForKey)
    }

    @Test("an escape alone, and one before anything else, is the Esc key; a sequence that is not known is nothing")
    func escape() throws {
        let bench = try BIOSBench()
        bench.type([0x1B])
        #expect(bench.takeKey() == 0x011B)
        bench.type([0x1B, 0x61])
        #expect(bench.takeKey() == 0x011B)
        #expect(bench.takeKey() == 0x1E61)
        bench.type(Array("\u{1B}[99~\u{1B}[Zü".utf8))
        #expect(bench.outcome(0x16, ax: 0) == .waitsForKey)
    }

    @Test("looking leaves the key there, and tells by the zero flag whether there is one")
    func peek() throws {
        let bench = try BIOSBench()
        #expect(bench.call(0x16) { $0.ah = 1 }.zero)
        bench.type([0x61])
        for function: UInt8 in [0x01, 0x11, 0x01] {
            let found = bench.call(0x16) {
                $0.ah = function
                $0.zero = true
            }
            #expect(found.ax == 0x1E61 && !found.zero)
        }
        #expect(bench.takeKey() == 0x1E61)
        #expect(bench.call(0x16) { $0.ah = 0x11 }.zero)
    }

    @Test("the keyboard is asked for more when there is room, and there is none for the last but one")
    func room() throws {
        let bench = try BIOSBench()
        let ring = KeyRing(memory: bench.memory)
        var count = 0
        while ring.takesKeys {
            bench.type([0x61])
            count += 1
        }
        #expect(count == 14)
        let wishes = bench.keyWishes
        _ = bench.takeKey()
        #expect(bench.keyWishes > wishes)
        #expect(ring.takesKeys)
    }

    @Test("locks turn letters and digits, and Ctrl-Alt-Del resets")
    func modifiers() throws {
        let bench = try BIOSBench()
        func press(_ codes: [UInt8]) -> BIOSOutcome {
            var outcome = BIOSOutcome.done
            for code in codes {
                bench.keyboard.press([code])
                outcome = bench.outcome(9, ax: 0)
            }
            return outcome
        }
        // Caps Lock, a, Shift with a.
        _ = press([0x3A, 0xBA, 0x1E, 0x9E, 0x2A, 0x1E, 0x9E, 0xAA])
        #expect([bench.takeKey(), bench.takeKey()] == [0x1E41, 0x1E61])
        // Num Lock, the block's 7 and its grey Home.
        _ = press([0x45, 0xC5, 0x47, 0xC7, 0xE0, 0x47, 0xE0, 0xC7])
        #expect([bench.takeKey(), bench.takeKey(0x10)] == [0x4737, 0x47E0])
        #expect(bench.call(0x16) { $0.ah = 2 }.al == 0x60)
        // Alt with a, and with 1; Pause is nothing.
        _ = press([0x38, 0x1E, 0x9E, 0x02, 0x82, 0xB8, 0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5])
        #expect([bench.takeKey(), bench.takeKey()] == [0x1E00, 0x7800])
        #expect(bench.call(0x16) { $0.ah = 2 }.al == 0x60)
        #expect(bench.outcome(0x16, ax: 0) == .waitsForKey)
        #expect(press([0x1D, 0x38, 0xE0, 0x53]) == .reset)
    }

    @Test("a ring that the guest has spoiled is taken as the usual one", arguments: 1...50 as ClosedRange<UInt64>)
    func spoiledRing(seed: UInt64) throws {
        let bench = try BIOSBench()
        var random = SplitMix64(seed: seed)
        for address in [0x41A, 0x41C, 0x480, 0x482] as [UInt64] {
            bench.put(
                [UInt8.random(in: 0...255, using: &random), UInt8.random(in: 0...255, using: &random)], at: address)
        }
        for _ in 0..<100 { _ = bench.outcome(0x16, ax: 0x0000) }
        bench.type([0x62])
        #expect(bench.takeKey() == 0x3062)
    }
}

@Suite("The keyboard controller with a keyboard")
struct KeyboardTests {
    private let events = MachineEventLatch()
    private let line = LevelRecorder()
    private let controller: KeyboardController

    init() {
        controller = KeyboardController(events: events, interrupt: line)
    }

    private func read(_ offset: UInt64) -> UInt64 { controller.read(offset: offset, width: 1) }

    @Test("bytes come one by one, each with an interrupt, and can be read again until the next comes")
    func bytes() {
        controller.press([0x1E, 0x9E])
        #expect(read(4) == 0x05)
        #expect(line.levels.last == true)
        #expect(read(0) == 0x1E)
        #expect(read(0) == 0x1E)
        #expect(read(4) == 0x04)
        #expect(line.levels.last == false)
        #expect(!controller.isIdle)
        controller.bringNext()
        #expect(line.levels.last == true)
        #expect(read(0) == 0x9E)
        #expect(controller.isIdle)
        controller.bringNext()
        #expect(read(4) == 0x04)
    }

    @Test("the guest can do without interrupts, and switch the keyboard off")
    func off() {
        controller.write(offset: 4, width: 1, value: 0x60)
        controller.write(offset: 0, width: 1, value: 0x44)
        controller.press([0x1E])
        #expect(!line.levels.contains(true))
        #expect(read(0) == 0x1E)
        controller.write(offset: 4, width: 1, value: 0xAD)
        controller.press([0x1F])
        #expect(read(4) == 0x04)
        controller.write(offset: 4, width: 1, value: 0xAE)
        controller.bringNext()
        #expect(read(0) == 0x1F)
        controller.write(offset: 4, width: 1, value: 0x20)
        #expect(read(0) == 0x44)
    }

    @Test(
        "commands are answered",
        arguments: [
            ([], 0xAA, [0x55]), ([], 0xAB, [0x00]), ([0xED, 0x07], nil, [0xFA, 0xFA]),
            ([0xF2], nil, [0xFA, 0xAB, 0x41]),
            ([0xFF], nil, [0xFA, 0xAA]), ([0xEE], nil, [0xEE]), ([0xF4], nil, [0xFA]),
        ] as [([UInt64], UInt64?, [UInt64])])
    func commands(data: [UInt64], command: UInt64?, answer: [UInt64]) {
        if let command { controller.write(offset: 4, width: 1, value: command) }
        for byte in data { controller.write(offset: 0, width: 1, value: byte) }
        var found: [UInt64] = []
        for _ in 0..<5 {
            controller.bringNext()
            if read(4) & 1 != 0 { found.append(read(0)) }
        }
        #expect(found == answer)
        #expect(events.event == nil)
    }

    @Test("a guest that sends commands without end makes nothing grow")
    func flood() {
        for value in 0..<100_000 as Range<UInt64> { controller.write(offset: 0, width: 1, value: value & 0xFF) }
        var count = 0
        while !controller.isIdle {
            controller.bringNext()
            _ = read(0)
            count += 1
        }
        #expect(count <= 33)
    }
}
