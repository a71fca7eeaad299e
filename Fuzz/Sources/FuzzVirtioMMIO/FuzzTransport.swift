import DeviceModel
import FuzzInput

/// A device, its driver and what must hold after each step of either.
struct FuzzTransport {
    private let memory: GuestMemory
    private let backend: FuzzBackend
    private let line = FuzzLine()
    private let device: VirtioMMIO
    /// From some earlier life of the device, mostly.
    private var kept: VirtioSession?

    private static let registers: [UInt64] = [
        0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x20, 0x24, 0x30, 0x34, 0x38, 0x44, 0x50, 0x60, 0x64, 0x70, 0x80, 0x84,
        0x90,
        0x94, 0xA0, 0xA4, 0xAC, 0xB0, 0xB4, 0xB8, 0xBC, 0xC0, 0xFC, 0x100, 0x104, 0x108,
    ]

    init() {
        memory = FuzzBlock.makeMemory()
        backend = FuzzBackend(memory: memory)
        device = VirtioMMIO(backend: backend, memory: memory, interrupt: line)
    }

    /// One step; the operation's low three bits say which.
    mutating func step(_ operation: UInt8, _ input: inout Input) {
        let before = device.read(offset: 0x70, width: 4)
        switch operation & 7 {
        case 0: write(Self.registers[Int(operation >> 3)], input.take(1))
        case 1: write(Self.registers[Int(operation >> 3)], input.take(4))
        case 2: read(Self.registers[Int(operation >> 3)], width: 4)
        case 3:
            let width = Int(operation >> 3 & 7) + 1
            let offset = operation & 0x40 == 0 ? input.take(2) & 0x1FFF : input.take(8)
            if operation & 0x80 == 0 {
                read(offset, width: width)
            } else {
                device.write(offset: offset, width: width, value: input.take(width))
            }
        case 4: bringUp(operation)
        case 5: event(operation, backend.session)
        case 6:
            if operation & 0x80 == 0 { event(operation, kept) } else { kept = backend.session }
        default:
            // A word of the rings, wherever.
            let address = GuestAddress(FuzzBlock.start &+ input.take(2) & 0x1FFF)
            try? memory.store(input.take(operation & 8 == 0 ? 2 : 8), at: address)
        }
        check(operation, before)
    }

    /// After a reset nothing is left of what was.
    func finish() {
        write(0x70, 0)
        precondition(device.read(offset: 0x70, width: 4) == 0 && !line.level)
        precondition(!backend.isActive && backend.started.isEmpty)
        bringUp(0xFF)
        // What lies in the rings may break the device at once, but it was brought up.
        precondition(device.read(offset: 0x70, width: 4) & 15 == 15 && backend.started == [0, 2])
    }

    /// Bits of Status come one by one and go all at once.
    private func check(_ operation: UInt8, _ before: UInt64) {
        let status = device.read(offset: 0x70, width: 4)
        precondition(status & ~0xCF == 0)
        precondition(operation & 7 == 4 || status == 0 || status & before == before)
        precondition(status & 4 == 0 || status & 8 != 0)
        precondition(backend.isActive == false || status & 12 == 12)
        precondition(line.isConsistent)
        // A look at InterruptStatus matters to what comes, so it is not taken after each step.
        if operation & 7 == 2 { precondition(line.level == line.expectsLevel(device)) }
        precondition(status & 64 == 0 || device.fault != nil)
    }

    private func read(_ offset: UInt64, width: Int) {
        let value = device.read(offset: offset, width: width)
        precondition(width == 8 || value >> UInt64(width * 8) == 0)
    }

    private func write(_ offset: UInt64, _ value: UInt64) {
        device.write(offset: offset, width: 4, value: value)
    }

    /// What a good driver does; bits leave steps out, so that each is met undone.
    private func bringUp(_ steps: UInt8) {
        if steps & 0x08 != 0 { write(0x70, 0) }
        write(0x70, 3)
        for (word, value) in [(0, steps & 0x10 == 0 ? 0x3000_0000 : 0), (1, 0x101)] as [(UInt64, UInt64)] {
            write(0x24, word)
            write(0x20, value)
        }
        if steps & 0x20 != 0 { write(0x70, 11) }
        for queue in [0, 2] as [UInt64] where steps & 0x40 != 0 {
            write(0x30, queue)
            write(0x38, 4)
            for (register, offset) in [(0x80, 0), (0x90, 0x40), (0xA0, 0x80)] as [(UInt64, UInt64)] {
                write(register, FuzzBlock.start + 0x100 * queue + offset)
                write(register + 4, 0)
            }
            write(0x44, 1)
        }
        if steps & 0x80 != 0 { write(0x70, 15) }
    }

    private func event(_ operation: UInt8, _ session: VirtioSession?) {
        switch operation >> 3 & 7 {
        case 0: session?.fail(.device("fuzzed"))
        case 1: session?.configurationChanged()
        case 2: backend.changeConfiguration()
        case 3: device.interruptEnded()
        default: session?.raiseUsedBufferInterrupt(queue: Int(operation >> 3 & 3) - 1)
        }
    }
}
