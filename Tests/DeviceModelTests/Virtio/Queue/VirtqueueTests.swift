import DeviceModel
import TestSupport
import Testing
import VirtioDriver

@Suite("A virtqueue")
struct VirtqueueTests {
    private static let base: UInt64 = 0x1000

    private func makeMemory() throws -> GuestMemory {
        try HostPages.makeMemory([(0x1000, 0x2_0000)])
    }

    private func makeDriver(
        size: UInt16 = 4, features: VirtqueueFeatures = [], position: VirtqueuePosition = VirtqueuePosition()
    ) throws -> MockDriver {
        try MockDriver(memory: makeMemory(), size: size, base: Self.base, features: features, position: position)
    }

    private func bytes(_ segments: ArraySlice<GuestSegment>, in memory: GuestMemory) throws -> [UInt8] {
        var all: [UInt8] = []
        for segment in segments {
            var part = [UInt8](repeating: 0, count: Int(segment.count))
            var span = part.mutableSpan
            try memory.read(at: segment.address, into: &span)
            all += part
        }
        return all
    }

    @Test("gives the device what the driver offers, and the driver what the device wrote")
    func exchangesBuffers() throws {
        var driver = try makeDriver()
        var queue = try driver.makeQueue()
        var chain = DescriptorChain()
        let head = try driver.add(readable: [[1, 2, 3], [4]], writable: [2, 16])
        #expect(try !queue.nextChain(into: &chain))
        #expect(try driver.publish())
        #expect(try queue.nextChain(into: &chain))
        #expect(chain.head == head)
        #expect(try bytes(chain.readable, in: driver.memory) == [1, 2, 3, 4])
        #expect(chain.readableByteCount == 4)
        #expect(chain.writable.map(\.count) == [2, 16])
        #expect(chain.writableByteCount == 18)
        let answer: [UInt8] = [9, 8]
        try driver.memory.write(answer.span, at: chain.writable.first?.address ?? GuestAddress(0))
        try queue.addUsed(chain, written: 2)
        #expect(try driver.takeBuffers() == nil)
        #expect(try queue.publish())
        #expect(try driver.takeBuffers() == MockDriver.Completion(head: head ?? 0, bytes: [9, 8]))
        #expect(try !queue.nextChain(into: &chain))
        #expect(chain == DescriptorChain())
    }

    @Test(
        "works through 70,000 chains, past the wrap of both indices",
        arguments: [[], .eventIndex] as [VirtqueueFeatures])
    func wraps(features: VirtqueueFeatures) throws {
        var driver = try makeDriver(size: 8, features: features)
        var queue = try driver.makeQueue()
        var chain = DescriptorChain()
        let count = TestScale.count(70_000)
        var (sent, answered) = (0, 0)
        while answered < count {
            for _ in 0...(sent % 5) {
                guard try driver.add(readable: [[UInt8(sent & 0xFF)]]) != nil else { break }
                sent += 1
            }
            _ = try driver.publish()
            while try queue.nextChain(into: &chain) {
                guard try bytes(chain.readable, in: driver.memory) == [UInt8(answered & 0xFF)] else {
                    Issue.record("chain \(answered) came out of order")
                    return
                }
                try queue.addUsed(chain, written: 0)
                answered += 1
            }
            _ = try queue.publish()
            while try driver.takeBuffers() != nil {}
        }
        let end = UInt16(answered & 0xFFFF)
        #expect(queue.position == VirtqueuePosition(available: end, used: end))
    }

    @Test("chains may be given back in any order, several with one look of the driver")
    func anyOrder() throws {
        var driver = try makeDriver()
        var queue = try driver.makeQueue()
        var chains: [DescriptorChain] = []
        for byte in 0..<3 as Range<UInt8> { _ = try driver.add(readable: [[byte]], writable: []) }
        _ = try driver.publish()
        #expect(try queue.availableCount() == 3)
        for _ in 0..<3 {
            var chain = DescriptorChain()
            #expect(try queue.nextChain(into: &chain))
            chains.append(chain)
        }
        for index in [2, 0, 1] { try queue.addUsed(chains[index], written: 0) }
        #expect(queue.position == VirtqueuePosition(available: 3, used: 0))
        #expect(try driver.takeUsed() == nil)
        #expect(try queue.publish())
        #expect(queue.position == VirtqueuePosition(available: 3, used: 3))
        var heads: [UInt16] = []
        while let used = try driver.takeBuffers() { heads.append(used.head) }
        #expect(heads == [2, 0, 1])
        #expect(try !queue.publish())
    }

    @Test(
        "a chain is never said to hold more than it has room for",
        arguments: [(0, 0), (5, 5), (6, 6), (7, 6), (.max, 6)])
    func writtenIsBounded(written: UInt32, expected: UInt32) throws {
        var driver = try makeDriver()
        var queue = try driver.makeQueue()
        var chain = DescriptorChain()
        _ = try driver.add(readable: [[1]], writable: [2, 4])
        _ = try driver.publish()
        #expect(try queue.nextChain(into: &chain))
        try queue.addUsed(chain, written: written)
        _ = try queue.publish()
        #expect(try driver.takeUsed()?.written == expected)
    }

    @Test("what was not taken cannot be given back")
    func nothingToGiveBack() throws {
        let driver = try makeDriver()
        var queue = try driver.makeQueue()
        #expect(queue.perform(.addUsed(head: 2, written: 0)) == .error(.notInFlight(head: 2)))
        #expect(queue.fault == .notInFlight(head: 2))
    }

    @Test("a queue that broke says so again, whatever is asked of it, and writes nothing")
    func staysBroken() throws {
        var driver = try makeDriver()
        try driver.offer(9)
        _ = try driver.publish()
        var queue = try driver.makeQueue()
        let error = VirtqueueError.head(9, availableIndex: 0)
        #expect(queue.perform(.nextChain) == .error(error))
        // The driver may put it right: only a reset helps.
        try driver.memory.store(UInt16(0), at: GuestAddress(driver.layout.availableRing.rawValue + 4))
        let operations: [SpecificationQueue.Operation] = [
            .availableCount, .nextChain, .addUsed(head: 0, written: 5), .publish, .suppressNotifications,
            .enableNotifications,
        ]
        for operation in operations {
            #expect(queue.perform(operation) == .error(error))
        }
        var ring = [UInt8](repeating: 0xEE, count: 38)
        var span = ring.mutableSpan
        try driver.memory.read(at: driver.layout.usedRing, into: &span)
        #expect(ring == Array(repeating: 0, count: 38))
        var fresh = try driver.makeQueue()
        #expect(fresh.perform(.availableCount) == .count(1))
    }

    @Test("a chain that turns out to be bad leaves no buffers behind")
    func badChainIsEmptied() throws {
        var driver = try makeDriver()
        try driver.set(0, MockDescriptor(address: 0x3000, count: 8, flags: MockDescriptor.next, next: 1))
        try driver.set(1, MockDescriptor(address: 0, count: 8))
        try driver.offer(0)
        _ = try driver.publish()
        var queue = try driver.makeQueue()
        var chain = DescriptorChain()
        #expect(
            throws: VirtqueueError.bufferNotInMemory(
                DescriptorLocation(head: 0, index: 1, isIndirect: false), GuestAddress(0), count: 8)
        ) { try queue.nextChain(into: &chain) }
        #expect(chain == DescriptorChain())
    }

    @Test("one value serves for chain after chain and keeps its storage")
    func chainsReuseStorage() throws {
        var driver = try makeDriver()
        var queue = try driver.makeQueue()
        var chain = DescriptorChain()
        _ = try driver.add(readable: [[1], [2]], writable: [3])
        _ = try driver.add(readable: [[4]])
        _ = try driver.publish()
        #expect(try queue.nextChain(into: &chain))
        let capacity = chain.segments.capacity
        #expect(try queue.nextChain(into: &chain))
        #expect(chain.readableCount == 1 && chain.segments.count == 1 && chain.writable.isEmpty)
        #expect(chain.writableByteCount == 0 && chain.readableByteCount == 1)
        #expect(chain.segments.capacity == capacity)
    }

    @Test("a chain may have exactly 2³² bytes and no more")
    func totalLength() throws {
        let size: UInt64 = 16 << 20
        let memory = try HostPages.makeMemory([(0, 64 << 10), (1 << 32, Int(size))])
        for extra in [0, 1] as [UInt32] {
            var driver = try MockDriver(memory: memory, size: 512, base: 0)
            for index in 0..<256 as Range<UInt16> {
                let flags = MockDescriptor.next | (index < 100 ? 0 : MockDescriptor.write)
                try driver.set(
                    index, MockDescriptor(address: 1 << 32, count: UInt32(size), flags: flags, next: index + 1))
            }
            try driver.set(256, MockDescriptor(address: 1 << 32, count: extra, flags: MockDescriptor.write))
            try driver.offer(0)
            _ = try driver.publish()
            var queue = try driver.makeQueue()
            var chain = DescriptorChain()
            if extra == 0 {
                #expect(try queue.nextChain(into: &chain))
                #expect(chain.readableByteCount + chain.writableByteCount == 1 << 32)
                #expect(chain.readableCount == 100)
                #expect(chain.segments.count == 256)
            } else {
                let place = DescriptorLocation(head: 0, index: 256, isIndirect: false)
                #expect(throws: VirtqueueError.tooManyBytes(place)) { try queue.nextChain(into: &chain) }
            }
        }
    }

    @Test("a queue of 32,768 entries takes a chain of as many descriptors, and refuses its loop")
    func largestQueue() throws {
        let memory = try HostPages.makeMemory([(0, 1 << 20)])
        var driver = try MockDriver(memory: memory, size: 32_768, base: 0)
        var chain = DescriptorChain()
        let all = (0..<32_768).map {
            MockDescriptor(address: 0, count: 1, flags: $0 == 32_767 ? 0 : MockDescriptor.next, next: UInt16($0) + 1)
        }
        try driver.write(all, at: 0)
        try driver.offer(0)
        _ = try driver.publish()
        var queue = try driver.makeQueue()
        #expect(try queue.nextChain(into: &chain))
        #expect(chain.segments.count == 32_768)
        try driver.set(32_767, MockDescriptor(address: 0, count: 1, flags: MockDescriptor.next, next: 7))
        var again = try driver.makeQueue()
        let place = DescriptorLocation(head: 0, index: 7, isIndirect: false)
        #expect(throws: VirtqueueError.endless(place, limit: 32_768)) { try again.nextChain(into: &chain) }
    }

    @Test(
        "of an indirect table a chain may use 1,024 entries, or as many as the queue has; it is refused at the next one",
        arguments: [(queue: UInt16(1), limit: 1024), (1024, 1024), (2048, 2048)])
    func longestTable(queue size: UInt16, limit: Int) throws {
        let memory = try HostPages.makeMemory([(0, 2 << 20)])
        var driver = try MockDriver(memory: memory, size: size, base: 0, features: .indirectDescriptors)
        var table = (1...70_000).map {
            MockDescriptor(address: 0, count: 1, flags: MockDescriptor.next, next: UInt16($0 & 0xFFFF))
        }
        try driver.write(table, at: 0x8_0000)
        try driver.set(0, MockDescriptor(address: 0x8_0000, count: 70_000 * 16, flags: MockDescriptor.indirect))
        try driver.offer(0)
        _ = try driver.publish()
        var queue = try driver.makeQueue()
        var chain = DescriptorChain()
        let place = DescriptorLocation(head: 0, index: UInt16(limit), isIndirect: true)
        #expect(throws: VirtqueueError.endless(place, limit: UInt32(limit))) { try queue.nextChain(into: &chain) }
        table[limit - 1].flags = 0
        try driver.write(table, at: 0x8_0000)
        var again = try driver.makeQueue()
        #expect(try again.nextChain(into: &chain))
        #expect(chain.segments.count == limit)
    }

    @Test("a chain's buffers go to the system in one piece each, and reach guest memory")
    func lendsBuffers() throws {
        var driver = try makeDriver()
        var queue = try driver.makeQueue()
        var chain = DescriptorChain()
        _ = try driver.add(readable: [[1, 2], [3]], writable: [2, 1])
        _ = try driver.publish()
        #expect(try queue.nextChain(into: &chain))
        // SAFETY: the buffers do not leave the closures.
        let copies = try unsafe driver.memory.withBuffersToRead(chain.readable) { buffers in
            buffers.indices.map { unsafe Array(buffers[$0]) }
        }
        #expect(copies == [[1, 2], [3]])
        try unsafe driver.memory.withBuffersToWrite(chain.writable) { buffers in
            for index in buffers.indices {
                for byte in unsafe buffers[index].indices { unsafe buffers[index][byte] = UInt8(7 + index) }
            }
        }
        try queue.addUsed(chain, written: 3)
        _ = try queue.publish()
        #expect(try driver.takeBuffers()?.bytes == [7, 7, 8])
    }

    @Test("errors say in words what was wrong, and where")
    func describesErrors() {
        let place = DescriptorLocation(head: 3, index: 9, isIndirect: true)
        #expect(
            VirtqueueError.bufferNotInMemory(place, GuestAddress(0x10), count: 5).description
                == "guest memory does not hold the 5 bytes at 0x10 of indirect descriptor 9 of the chain at 3 in one region"
        )
        #expect(
            VirtqueueError.availableIndex(9, taken: 1, inFlight: 2).description
                == "the available index 9 is out of reach: 1 comes next, and 2 chains are in flight")
        #expect(
            VirtqueueError.misaligned(.usedRing, GuestAddress(0x1002)).description
                == "0x1002 is not aligned for the used ring")
    }
}
