import Synchronization
import VirtioDriver

@testable import DeviceModel

/// A BIOS in a machine of 2 MiB without anything behind it, and the test in the guest's place.
final class BIOSBench {
    /// A disk in memory.
    final class MemoryDrive: BIOSDrive {
        let sectorCount: UInt64
        let bytes: Mutex<[UInt8]>
        let refusal: BIOSDiskError?

        /// Each sector begins with its number.
        init(sectors: Int, refusal: BIOSDiskError? = nil) {
            sectorCount = UInt64(sectors)
            self.refusal = refusal
            var content = [UInt8](repeating: 0xA5, count: sectors * 512)
            for sector in 0..<sectors { content.storeLittleEndian(UInt32(sector), at: sector * 512) }
            bytes = Mutex(content)
        }

        func read(at sector: UInt64, into target: inout MutableRawSpan) -> Bool {
            let count = target.byteCount
            let part = bytes.withLock { Array($0[Int(sector) * 512..<Int(sector) * 512 + count]) }
            unsafe target.withUnsafeMutableBytes { unsafe $0.copyBytes(from: part) }
            return true
        }

        func write(_ source: RawSpan, at sector: UInt64) -> BIOSDiskError? {
            if let refusal { return refusal }
            bytes.withLock { bytes in
                for index in 0..<source.byteCount {
                    bytes[Int(sector) * 512 + index] = unsafe source.unsafeLoad(fromByteOffset: index, as: UInt8.self)
                }
            }
            return nil
        }
    }

    let memory: GuestMemory
    let console = ByteRecorder()
    let keyboard: KeyboardController
    private let outside = Outside()
    var bios: BIOS

    /// What the machine's closures reach.
    private final class Outside: Sendable {
        let time = Atomic<Int64>(0)
        let keyWishes = Atomic<Int>(0)
    }

    /// In nanoseconds.
    var now: Int64 {
        get { outside.time.load(ordering: .relaxed) }
        set { outside.time.store(newValue, ordering: .relaxed) }
    }

    /// How often the BIOS said that there is room for keys.
    var keyWishes: Int { outside.keyWishes.load(ordering: .relaxed) }

    init(hardDisks: [MemoryDrive] = [], floppy: MemoryDrive? = nil, time: Int64 = 0) throws {
        memory = try HostPages.makeMemory([(start: 0, size: 2 << 20)])
        let events = MachineEventLatch()
        keyboard = KeyboardController(events: events, interrupt: LevelRecorder())
        let serial = SerialPort(output: console, input: nil, interrupt: LevelRecorder())
        let video = TextVideo()
        let bus = try Bus([
            (BusRange(start: 0x60, count: 1), keyboard), (BusRange(start: 0x64, count: 1, deviceOffset: 4), keyboard),
            (BusRange(start: 0x70, count: 2), CMOSClock(now: { time })),
            (BusRange(start: 0x3C0, count: 0x20), video), (BusRange(start: 0x3F8, count: 8), serial),
        ])
        let outside = outside
        bios = BIOS(
            BIOSMachine(
                memory: memory, ports: bus, console: console, hardDisks: hardDisks, floppy: floppy,
                memoryMap: [
                    BIOSMachine.MemoryRange(start: 0, size: 0x9FC00, kind: 1),
                    BIOSMachine.MemoryRange(start: 1 << 20, size: 1 << 20, kind: 1),
                ],
                serialPorts: [0x3F8], now: { outside.time.load(ordering: .relaxed) },
                wantsKey: { outside.keyWishes.add(1, ordering: .relaxed) }))
        bios.start()
    }

    /// Makes a call, which there must be.
    func call(_ vector: UInt8, _ prepare: (inout BIOSRegisters) -> Void) -> BIOSRegisters {
        var registers = BIOSRegisters()
        prepare(&registers)
        _ = bios.call(vector, &registers)
        return registers
    }

    func outcome(_ vector: UInt8, ax: UInt16) -> BIOSOutcome {
        var registers = BIOSRegisters()
        registers.ax = ax
        return bios.call(vector, &registers)
    }

    /// Types what a terminal sends, each key as the keyboard does it.
    func type(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            keyboard.press(Keystrokes.takeKey(from: &rest))
            while keyboard.read(offset: 4, width: 1) & 1 != 0 {
                _ = outcome(9, ax: 0)
                keyboard.bringNext()
            }
        }
    }

    /// Takes the next key, which there must be.
    func takeKey(_ function: UInt8 = 0) -> UInt16 {
        call(0x16) { $0.ah = function }.ax
    }

    func byte(_ address: UInt64) -> UInt8 { (try? memory.load(UInt8.self, at: GuestAddress(address))) ?? 0 }
    func word(_ address: UInt64) -> UInt16 { (try? memory.load(UInt16.self, at: GuestAddress(address))) ?? 0 }
    func put(_ bytes: [UInt8], at address: UInt64) { try? memory.write(bytes.span, at: GuestAddress(address)) }
}
