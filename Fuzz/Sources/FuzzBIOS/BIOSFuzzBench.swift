import FuzzInput
import Synchronization

@testable import DeviceModel
@testable import VMM

/// A BIOS with what a machine gives it, and the image as its disk, without a machine.
final class BIOSFuzzBench {
    private final class Console: ByteSink, InterruptLine {
        let count = Atomic<Int>(0)

        func write(_ byte: UInt8) { count.add(1, ordering: .relaxed) }
        func write(_ bytes: RawSpan) { count.add(bytes.byteCount, ordering: .relaxed) }
        func setLevel(_ high: Bool) {}
    }

    private final class Time: Sendable {
        let now = Atomic<Int64>(0)
    }

    private static let vectors: [UInt8] = [
        0x08, 0x09, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x18, 0x19, 0x1A, 0x10, 0x13, 0x15, 0x16,
    ]

    private let memory: GuestMemory
    private let console = Console()
    private let keyboard: KeyboardController
    private let time = Time()
    private let drive: ImageDrive
    private var bios: BIOS

    /// Bit 0 makes the image a floppy of 160 KiB; else it has so many times 300 bytes.
    init(shape: UInt64) {
        let isFloppy = shape & 1 != 0
        let size = isFloppy ? 163_840 : Int(shape >> 1 & 0x7F) * 300 + 1
        let time = time
        do throws(VMMError) {
            memory = try GuestRAM(MemoryMap(size: 1 << 20, physicalAddressBits: 36)).memory
            drive = ImageDrive(
                try ImageReader.open(
                    .bytes([UInt8](repeating: 0x90, count: size)), format: .flat, ImageLimits()))
            let events = MachineEventLatch()
            keyboard = KeyboardController(events: events, interrupt: console)
            let ports = try Self.bus([
                (BusRange(start: 0x60, count: 1), keyboard),
                (BusRange(start: 0x64, count: 1, deviceOffset: 4), keyboard),
                (BusRange(start: 0x70, count: 2), CMOSClock(now: { time.now.load(ordering: .relaxed) })),
                (BusRange(start: 0x3C0, count: 0x20), TextVideo()),
                (BusRange(start: 0x3F8, count: 8), SerialPort(output: console, input: nil, interrupt: console)),
            ])
            let code = BIOSCode(port: 0xEA)
            precondition(code.interruptTable.count == 1024)
            bios = BIOS(
                BIOSMachine(
                    memory: memory, ports: ports, console: console, hardDisks: isFloppy ? [] : [drive],
                    floppy: isFloppy ? drive : nil,
                    memoryMap: [BIOSMachine.MemoryRange(start: 0, size: 0x9FC00, kind: 1)], serialPorts: [0x3F8],
                    now: { time.now.load(ordering: .relaxed) }, wantsKey: {}))
        } catch {
            preconditionFailure("no BIOS: \(error)")
        }
        bios.start()
    }

    private static func bus(_ devices: [(range: BusRange, device: any BusDevice)]) throws(VMMError) -> Bus {
        do throws(BusError) { return try Bus(devices) } catch { throw .fault("\(error)") }
    }

    /// From 0x40 on a call; below it the guest, or the world, changes something.
    func step(_ operation: UInt8, _ input: inout Input) {
        switch operation {
        case 0x00..<0x10: store(input.take(1), 1, at: 0x400 + (UInt64(operation) << 4 | input.take(1) & 0xF))
        case 0x10..<0x20: store(input.take(8), 8, at: input.take(3))
        case 0x20..<0x30: type((0...operation & 0xF).compactMap { _ in input.next() })
        case 0x30..<0x38: time.now.store(Int64(bitPattern: input.take(8)), ordering: .relaxed)
        case 0x38..<0x40:
            let value = UInt8(truncatingIfNeeded: input.take(1))
            keyboard.writeByte(offset: operation & 1 == 0 ? 0 : 4, value: value)
        default: call(Self.vectors[Int(operation & 0xF)], given: operation, &input)
        }
    }

    private func store(_ value: UInt64, _ count: Int, at address: UInt64) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
        try? memory.write(bytes.span, at: GuestAddress(address))
    }

    private func type(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let before = rest.count
            keyboard.press(Keystrokes.takeKey(from: &rest))
            precondition(rest.count < before)
        }
    }

    /// - Parameter given: bits 4 and 5 say that BX and CX, and that DX, SI, DI, BP and segments are what the input says.
    private func call(_ vector: UInt8, given: UInt8, _ input: inout Input) {
        var registers = BIOSRegisters()
        registers.eax = UInt32(truncatingIfNeeded: input.take(2))
        if given & 0x10 != 0 {
            registers.ebx = UInt32(truncatingIfNeeded: input.take(2))
            registers.ecx = UInt32(truncatingIfNeeded: input.take(2))
        }
        if given & 0x20 != 0 {
            registers.edx = UInt32(truncatingIfNeeded: input.take(4))
            registers.esi = UInt32(truncatingIfNeeded: input.take(2))
            registers.edi = UInt32(truncatingIfNeeded: input.take(2))
            registers.ebp = UInt32(truncatingIfNeeded: input.take(2))
            registers.es = UInt16(truncatingIfNeeded: input.take(2))
            registers.ds = UInt16(truncatingIfNeeded: input.take(2))
        }
        let (before, printed) = (registers, console.count.load(ordering: .relaxed))
        let outcome = bios.call(vector, &registers)
        precondition(outcome == .done || registers == before)
        // A string of 8,192 characters, each of three bytes.
        precondition(console.count.load(ordering: .relaxed) - printed <= 3 * 8192)
        if outcome == .waitsForTime, bios.goOnWaiting(&registers) == .waitsForTime {
            precondition(registers == before)
        }
    }

    /// The disk is as large as it was, and reads to its end.
    func finish() {
        var bytes = [UInt8](repeating: 0, count: 512)
        var span = bytes.mutableSpan
        var raw = unsafe span.mutableBytes
        precondition(drive.read(at: drive.sectorCount - 1, into: &raw))
    }
}
