import DeviceModel
import FuzzInput

/// A device and its driver, step by step.
struct FuzzQueue: ~Copyable {
    private var queue: Virtqueue
    private let ram: FuzzMemory
    private var chain = DescriptorChain()
    /// The heads that are with the device.
    private var taken: [UInt16] = []

    init(_ queue: consuming Virtqueue, _ ram: FuzzMemory) {
        self.queue = queue
        self.ram = ram
    }

    /// One step of either side; the operation's low three bits say which.
    mutating func step(_ operation: UInt8, _ input: inout Input) {
        let (layout, before) = (queue.layout, queue.fault)
        switch operation & 7 {
        case 0:
            // A descriptor, in the table or behind it, field by field so that each can be right by itself.
            let place = layout.descriptorTable.rawValue &+ 16 &* (input.take(1) & 0x7F)
            let address = operation & 8 == 0 ? FuzzMemory.lowStart + input.take(2) & 0x1FFF : input.take(8)
            ram.store(address, at: place)
            ram.store(UInt32(operation & 16 == 0 ? input.take(1) : input.take(4)), at: place &+ 8)
            ram.store(UInt16(operation >> 5), at: place &+ 12)
            ram.store(UInt16(input.take(1)), at: place &+ 14)
        case 1:
            let slot = 4 &+ 2 &* (input.take(1) & 0x7F)
            ram.store(UInt16(input.take(operation & 8 == 0 ? 1 : 2)), at: layout.availableRing.rawValue &+ slot)
        case 2:
            // The available index, mostly a little ahead.
            let ahead = UInt16(input.take(operation & 8 == 0 ? 1 : 2))
            ram.store(queue.position.available &+ ahead, at: layout.availableRing.rawValue &+ 2)
        case 3: ram.store(input.take(8), at: FuzzMemory.lowStart &+ input.take(2) & 0x1FFF)
        case 4:
            for _ in 0...(operation >> 3) where !takeChain() { break }
        case 5: giveBack(written: UInt32(input.take(4)))
        case 6: attempt { queue throws(VirtqueueError) in _ = try queue.publish() }
        default:
            attempt { queue throws(VirtqueueError) in
                if operation & 8 != 0 { return try queue.suppressNotifications() }
                let count = try queue.availableCount()
                precondition(count <= queue.size)
                if operation & 16 != 0 {
                    let isMore = try queue.enableNotifications()
                    precondition(isMore == (count > 0))
                }
            }
        }
        precondition(before == nil || queue.fault == before)
        precondition(taken.count <= Int(queue.size))
    }

    /// What holds when all steps are done: nothing but the used ring was changed.
    func finish() {
        var bytes = [UInt8](repeating: 0, count: ram.expected.count)
        var span = bytes.mutableSpan
        guard (try? ram.memory.read(at: GuestAddress(FuzzMemory.lowStart), into: &span)) != nil else {
            preconditionFailure("RAM is gone")
        }
        let (start, count) = (queue.layout.usedRing.rawValue, 6 + 8 * UInt64(queue.size))
        for index in bytes.indices where FuzzMemory.lowStart + UInt64(index) &- start >= count {
            precondition(bytes[index] == ram.expected[index])
        }
    }

    private mutating func takeChain() -> Bool {
        let before = queue.position.available
        let isTaken: Bool
        do throws(VirtqueueError) {
            isTaken = try queue.nextChain(into: &chain)
        } catch {
            precondition(queue.fault == error && !error.description.isEmpty)
            isTaken = false
        }
        precondition(queue.position.available == before &+ (isTaken ? 1 : 0))
        guard isTaken else {
            precondition(chain == DescriptorChain())
            return false
        }
        taken.append(chain.head)
        checkChain()
        useBuffers()
        return true
    }

    private func checkChain() {
        let bytes = chain.readableByteCount + chain.writableByteCount
        precondition(chain.head < queue.size && bytes <= 1 << 32 && chain.segments.count <= Int(queue.size) + 65_536)
        precondition(chain.segments.reduce(0) { $0 + UInt64($1.count) } == bytes)
        precondition(chain.readable.count + chain.writable.count == chain.segments.count)
        precondition(chain.segments.allSatisfy { $0.count > 0 && FuzzMemory.holds($0) })
    }

    /// Reads and writes all buffers at both ends, where the address sanitizer would find a byte that is not RAM.
    private func useBuffers() {
        // SAFETY: the buffers do not leave the closures.
        let sum = try? unsafe ram.memory.withBuffersToRead(chain.readable) { buffers in
            buffers.indices.reduce(0) { sum, index in
                sum + Int(unsafe buffers[index].first ?? 0) + Int(unsafe buffers[index].last ?? 0)
            }
        }
        let written: Void? = try? unsafe ram.memory.withBuffersToWrite(chain.writable) { buffers in
            for index in buffers.indices {
                let buffer = unsafe buffers[index]
                unsafe buffer[0] = 0xA5
                unsafe buffer[buffer.count - 1] = 0x5A
            }
        }
        precondition(sum != nil && written != nil)
        for segment in chain.writable {
            ram.note(0xA5, at: segment.address.rawValue)
            ram.note(0x5A, at: segment.address.rawValue &+ UInt64(segment.count) &- 1)
        }
    }

    private mutating func giveBack(written: UInt32) {
        guard let head = taken.popLast() else { return }
        attempt { queue throws(VirtqueueError) in try queue.addUsed(head: head, written: written) }
    }

    /// What is thrown is why the queue is broken.
    private mutating func attempt(_ body: (inout Virtqueue) throws(VirtqueueError) -> Void) {
        do throws(VirtqueueError) {
            try body(&queue)
        } catch {
            precondition(queue.fault == error && !error.description.isEmpty)
        }
    }
}
