import FuzzInput

@testable import DeviceModel
@testable import VMM

/// A console, its driver, and what must hold after each step.
struct FuzzConsole {
    private static let start: UInt64 = 0x1000
    private static let limit = 1 << 16
    /// Where messages lie, and where the device's go.
    private static let messages: (said: UInt64, told: UInt64) = (0x2_0000, 0x3_0000)

    private let memory: GuestMemory
    private let outputs = (0..<StepwiseConsole.portCount).map { _ in ConsoleOutput(collectingUpTo: limit) }
    /// Of the first two ports.
    private let sources = [ConsoleInput(queueOf: 256), ConsoleInput(queueOf: 256)]
    private let backend: StepwiseConsole
    private let device: VirtioMMIO

    init() {
        guard let ram = try? GuestRAM(MemoryMap(size: 1 << 20, physicalAddressBits: 36)) else {
            preconditionFailure("no memory")
        }
        memory = ram.memory
        backend = StepwiseConsole(memory: memory, outputs: outputs, inputs: sources)
        device = VirtioMMIO(backend: backend, memory: memory, interrupt: nil)
    }

    /// One step; the operation's low three bits say which.
    func step(_ operation: UInt8, _ input: inout Input) {
        switch operation & 7 {
        case 0: store(UInt16(truncatingIfNeeded: input.take(2)), input.take(2))
        case 1: store(input.take(8), input.take(2))
        case 2 where operation >= 0x80: backend.control.setHostOpen(operation & 8 != 0, port: Int(operation >> 4 & 7))
        case 2 where operation >= 0x40: backend.control.resize(to: ConsoleSize(columns: UInt16(operation), rows: 1))
        case 3 where operation >= 0x80: say(input.take(8), count: UInt32(operation >> 3 & 15))
        case 3 where operation >= 0x40: hear(room: UInt32(operation >> 3 & 7) * 3)
        case 2, 3: write(0x50, UInt64(operation & 1) | UInt64(operation >> 3 & 3) * 2)
        case 4: _ = sources[Int(operation >> 3 & 1)].append((0..<operation).map { $0 })
        case 5: bringUp(operation)
        case 6:
            write(0x30, UInt64(operation >> 3 & 1))
            write(operation & 0x10 == 0 ? 0x44 : 0xC0, UInt64(operation >> 5 & 1))
        default: offer(operation, &input)
        }
        backend.settle()
        precondition(sources.allSatisfy { $0.unreadCount <= 256 })
        for (port, output) in outputs.enumerated() {
            let count = output.collected.count
            precondition(count <= Self.limit && UInt64(count) == backend.byteCount(port))
        }
        let ports = backend.control.ports
        for (index, port) in ports.ports.enumerated() {
            precondition(port.stage == .unknown || ports.isDriverReady)
            precondition(port.stage == .ready || !port.isGuestOpen)
            precondition(port.isGuestOpen == backend.control.isOpen(port: index) || index == 0)
        }
    }

    /// Input that is there, and a buffer of output, go through after all that.
    func finish() {
        write(0x70, 0)
        for word in 0..<512 { store(UInt64(0), UInt64(word * 8)) }
        bringUp(0xF8)
        precondition(device.read(offset: 0x70, width: 4) == 15)
        let before = outputs[0].collected.count
        store(Self.start + 0x800, 0x200)
        store(UInt64(3), 0x208)
        store(UInt64(0x1_0000), 0x240)
        write(0x50, 1)
        let isWritten = outputs[0].collected.count == before + 3
        precondition(isWritten || outputs[0].collected.count > Self.limit - 3)
        // The driver is told of the first port.
        hear(room: 64)
        say(0x0001_0000_FFFF_FFFF, count: 8)
        precondition((try? memory.load(UInt64.self, at: GuestAddress(Self.messages.told))) == 1 << 32)
        backend.end()
    }

    /// Sends a control message, of which so many bytes are there.
    private func say(_ message: UInt64, count: UInt32) {
        try? memory.store(message, at: GuestAddress(Self.messages.said))
        put(queue: 3, Self.messages.said, count, writable: false)
    }

    /// Offers room for a control message.
    private func hear(room: UInt32) {
        put(queue: 2, Self.messages.told, room, writable: true)
    }

    /// Offers descriptor 0 of a queue.
    private func put(queue index: UInt64, _ address: UInt64, _ count: UInt32, writable: Bool) {
        let queue = index * 0x200
        store(address, queue)
        store(count, queue + 8)
        store(UInt32(writable ? 2 : 0), queue + 12)
        let next = (try? memory.load(UInt16.self, at: GuestAddress(Self.start + queue + 0x42))) ?? 0
        store(UInt16(0), queue + 0x44 + UInt64(next % 4) * 2)
        store(next &+ 1, queue + 0x42)
        write(0x50, index)
    }

    private func store(_ value: some FixedWidthInteger & BitwiseCopyable, _ offset: UInt64) {
        try? memory.store(value, at: GuestAddress(Self.start + offset & 0xFFF))
    }

    /// A descriptor, the head's place in the available ring, and the index.
    private func offer(_ operation: UInt8, _ input: inout Input) {
        let queue = UInt64(operation >> 3 & 1) * 0x200
        let index = UInt64(operation >> 4 & 3)
        store(input.take(operation & 0x40 == 0 ? 2 : 8), queue + index * 16)
        store(UInt32(truncatingIfNeeded: input.take(operation & 0x80 == 0 ? 1 : 4)), queue + index * 16 + 8)
        store(UInt16(truncatingIfNeeded: input.take(1)), queue + index * 16 + 12)
        store(UInt16(truncatingIfNeeded: input.take(1)), queue + index * 16 + 14)
        let next = (try? memory.load(UInt16.self, at: GuestAddress(Self.start + queue + 0x42))) ?? 0
        store(UInt16(index), queue + 0x44 + UInt64(next % 4) * 2)
        store(next &+ 1, queue + 0x42)
        write(0x50, queue / 0x200)
    }

    private func write(_ offset: UInt64, _ value: UInt64) {
        device.write(offset: offset, width: 4, value: value)
    }

    /// What a good driver does; bits say with which features.
    private func bringUp(_ bits: UInt8) {
        write(0x70, 0)
        write(0x70, 3)
        write(0x24, 0)
        write(0x20, UInt64(bits >> 3 & 3) << 28 | UInt64(bits >> 5 & 1) << 1)
        write(0x24, 1)
        write(0x20, 1)
        write(0x70, 11)
        for queue in 0..<8 as Range<UInt64> {
            write(0x30, queue)
            write(0x38, 4)
            for (register, offset) in [(0x80, 0), (0x90, 0x40), (0xA0, 0x80)] as [(UInt64, UInt64)] {
                write(register, Self.start + 0x200 * queue + offset)
                write(register + 4, 0)
            }
            write(0x44, 1)
        }
        write(0x70, 15)
    }
}
