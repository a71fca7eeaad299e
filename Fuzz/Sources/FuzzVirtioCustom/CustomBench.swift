import FuzzInput
import Synchronization

@testable import DeviceModel
@testable import VMM

/// An embedder's device, its driver and what must hold after each step of either.
struct CustomBench {
    private static let start: UInt64 = 0x1000
    private static let byteCount = 8192
    /// Where buffers lie mostly, behind the queue.
    private static let buffers = start + 0x200

    private let memory: GuestMemory
    private let own: StepwiseDevice
    private let device: VirtioMMIO

    init() {
        let block = Block(Self.byteCount)
        do throws(GuestMemoryLayoutError) {
            // SAFETY: `block` owns the bytes, and only this guest memory has them.
            memory = try unsafe GuestMemory(
                regions: [(start: GuestAddress(Self.start), bytes: block.bytes)], owner: block)
        } catch {
            preconditionFailure("\(error)")
        }
        own = StepwiseDevice(memory: memory)
        device = VirtioMMIO(backend: own, memory: memory, interrupt: nil)
        bringUp(features: 0)
    }

    /// One step; the operation's low three bits say which.
    func step(_ operation: UInt8, _ input: inout Input) {
        switch operation & 7 {
        case 0: store(input.take(8), Self.start &+ input.take(2) & 0x1FFF)
        case 1: offer(operation, &input)
        case 2: own.work()
        case 3: own.caller.work()
        case 4, 5: answer(Int(operation >> 3), &input)
        case 6:
            if operation & 0x80 == 0 { bringUp(features: UInt64(operation >> 3 & 3) << 28) } else { write(0x70, 0) }
        default: store(UInt64(input.take(1)) << 16, Self.start + 0x80)
        }
        // No more than the queue's entries, one stop and one driver.
        precondition(own.caller.pendingCount <= Int(StepwiseDevice.size) + 2)
    }

    /// A right driver gets what the device answers, and no earlier answer.
    func finish() {
        bringUp(features: 0)
        while own.caller.pendingCount > 0 { own.caller.work() }
        precondition(own.keeper.kept.withLock { $0.isEmpty })
        for index in 0..<64 as Range<UInt64> { store(0, Self.start + 8 * index) }
        bringUp(features: 0)
        put(0, Self.buffers, 3, 1, 1)
        put(1, Self.buffers + 64, 8, 2, 0)
        store(1 << 16, Self.start + 0x80)
        own.work()
        while own.caller.pendingCount > 0 { own.caller.work() }
        let request = own.keeper.kept.withLock { $0.popLast() }
        precondition(request?.bytes.count == 3 && request?.room == 8)
        precondition(request?.complete(with: [7, 7]) == true && request?.complete() == false)
        own.work()
        precondition((try? memory.load(UInt32.self, at: GuestAddress(Self.start + 0x108))) == 2)
        precondition((try? memory.load(UInt16.self, at: GuestAddress(Self.buffers + 64))) == 0x0707)
        own.end()
    }

    /// Answers a request that is kept, or lets it go.
    private func answer(_ choice: Int, _ input: inout Input) {
        let request: VirtioRequest? = own.keeper.kept.withLock { kept in
            kept.isEmpty ? nil : kept.remove(at: (choice >> 1) % kept.count)
        }
        guard let request, choice & 1 == 0 else { return }
        request.complete(with: [UInt8](repeating: 0x55, count: Int(input.take(2))))
        precondition(!request.complete(with: [1]))
    }

    /// Bits 3 to 5 say of how many buffers, bit 6 that there is a table, bit 7 that the driver offers eight chains at once.
    private func offer(_ operation: UInt8, _ input: inout Input) {
        let count = UInt16(operation >> 3 & 7) + 1
        for index in 0..<count {
            let kind = input.take(1)
            let address = kind & 1 == 0 ? Self.buffers + input.take(1) * 16 : input.take(8)
            let flags = (kind >> 2 & 2) | (index + 1 < count ? 1 : 0)
            put(UInt64(index), address, input.take(kind & 2 == 0 ? 1 : 4), flags, UInt64(index + 1))
        }
        if operation & 0x40 != 0 { put(0, Self.buffers + 0x100, 16 * input.take(2), 4, 0) }
        let index = (try? memory.load(UInt16.self, at: GuestAddress(Self.start + 0x82))) ?? 0
        let offered: UInt16 = operation & 0x80 == 0 ? 1 : 8
        for place in 0..<offered {
            let slot = UInt64(index &+ place) % 8
            try? memory.store(UInt16(0), at: GuestAddress(Self.start + 0x84 + 2 * slot))
        }
        try? memory.store(index &+ offered, at: GuestAddress(Self.start + 0x82))
    }

    private func put(_ index: UInt64, _ address: UInt64, _ count: UInt64, _ flags: UInt64, _ next: UInt64) {
        store(address, Self.start + 16 * index)
        store(count & 0xFFFF_FFFF | flags << 32 | next << 48, Self.start + 16 * index + 8)
    }

    /// What a good driver does.
    private func bringUp(features: UInt64) {
        write(0x70, 0)
        write(0x70, 3)
        for (word, value) in [(0, features), (1, 1)] as [(UInt64, UInt64)] {
            write(0x24, word)
            write(0x20, value)
        }
        write(0x70, 11)
        write(0x30, 0)
        write(0x38, UInt64(StepwiseDevice.size))
        for (register, offset) in [(0x80, 0), (0x90, 0x80), (0xA0, 0x100)] as [(UInt64, UInt64)] {
            write(register, Self.start + offset)
            write(register + 4, 0)
        }
        write(0x44, 1)
        write(0x70, 15)
    }

    private func write(_ offset: UInt64, _ value: UInt64) {
        device.write(offset: offset, width: 4, value: value)
    }

    private func store(_ value: UInt64, _ address: UInt64) {
        try? memory.store(value, at: GuestAddress(address))
    }

    /// A block of the heap, so that the address sanitizer sees every byte beside it.
    @safe
    private final class Block: @unchecked Sendable {
        // SAFETY: allocated in `init`, freed in `deinit`, changed by nobody in between.
        let bytes: UnsafeMutableRawBufferPointer

        init(_ count: Int) {
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 4096)
            unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
            unsafe self.bytes = bytes
        }

        deinit {
            unsafe bytes.deallocate()
        }
    }
}
