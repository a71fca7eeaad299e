import TestSupport
import Testing
import VirtioDriver

@testable import DeviceModel

@Suite("The hypercall doorbell")
struct HypercallDoorbellTests {
    /// Two stretches of RAM with a hole between them, the second one at the very end of what a request's address can name.
    private static let regions: [(start: UInt64, size: Int)] = [(0, 0x4_0000), (0xFFFF_F000, 0x1000)]
    private static let unanswered: UInt32 = .max

    private let memory: GuestMemory
    private let output = ByteRecorder()
    private let events = MachineEventLatch()

    init() throws {
        memory = try HostPages.makeMemory(Self.regions)
    }

    private func makeDoorbell(input: [UInt8] = []) -> (HypercallDoorbell, ByteQueue) {
        let queue = ByteQueue(input)
        return (HypercallDoorbell(memory: memory, output: output, input: queue, events: events), queue)
    }

    private func store(
        _ operation: UInt32, address: UInt64 = 0x1000, length: UInt64 = 0, at request: UInt64 = 0x100
    ) throws -> GuestAddress {
        let place = GuestAddress(request)
        try memory.write([operation, Self.unanswered].span, at: place)
        try memory.write([address, length].span, at: GuestAddress(request + 8))
        return place
    }

    private struct Answer: Equatable {
        let status: UInt32
        let length: UInt64
    }

    private func answer(at request: UInt64 = 0x100) throws -> Answer {
        Answer(
            status: try memory.load(UInt32.self, at: GuestAddress(request + 4)),
            length: try memory.load(UInt64.self, at: GuestAddress(request + 16)))
    }

    @Test("a read of 32 bits is the signature, SVM1, and no other access does anything")
    func signature() {
        let (doorbell, _) = makeDoorbell()
        #expect(doorbell.read(offset: 0, width: 4) == 0x314D_5653)
        for (offset, width) in [(0, 1), (0, 2), (0, 8), (1, 4), (3, 1)] as [(UInt64, Int)] {
            #expect(doorbell.read(offset: offset, width: width) == .max)
            doorbell.write(offset: offset, width: width, value: 0x100)
        }
        #expect(doorbell.lostRequestCount == 0)
    }

    @Test("discover tells the version")
    func discover() throws {
        let (doorbell, _) = makeDoorbell()
        #expect(doorbell.ring(at: try store(0, length: 99)) == nil)
        #expect(try answer() == Answer(status: 0, length: 1))
    }

    @Test("an operation that there is not is answered so", arguments: [5, 6, 0x100, .max] as [UInt32])
    func unknown(operation: UInt32) throws {
        let (doorbell, _) = makeDoorbell(input: [1])
        #expect(doorbell.ring(at: try store(operation, length: 5)) == nil)
        #expect(try answer() == Answer(status: 1, length: 0))
        #expect(output.bytes == [])
        #expect(events.event == nil)
    }

    @Test(
        "write prints the buffer, 65,536 bytes of it at most",
        arguments: [0, 1, 5, 65_535, 65_536, 65_537, .max] as [UInt64])
    func write(length: UInt64) throws {
        let (doorbell, _) = makeDoorbell()
        let bytes = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        try memory.write(bytes.span, at: GuestAddress(0x1000))
        #expect(doorbell.ring(at: try store(1, length: length)) == nil)
        let count = min(length, 65_536)
        #expect(try answer() == Answer(status: 0, length: count))
        #expect(output.bytes == Array(bytes.prefix(Int(count))))
    }

    @Test("read takes what has come and fits, and leaves the rest", arguments: [0, 1, 3, 4, 100, .max] as [UInt64])
    func read(length: UInt64) throws {
        let (doorbell, queue) = makeDoorbell(input: [10, 20, 30, 40])
        try memory.store(UInt32.max, at: GuestAddress(0x1000))
        #expect(doorbell.ring(at: try store(2, length: length)) == nil)
        let count = min(length, 4)
        #expect(try answer() == Answer(status: 0, length: count))
        let expected = [10, 20, 30, 40].prefix(Int(count)) + [UInt8](repeating: 255, count: 4 - Int(count))
        for (index, byte) in expected.enumerated() {
            #expect(try memory.load(UInt8.self, at: GuestAddress(0x1000 + UInt64(index))) == byte)
        }
        #expect(queue.waiting == Array([10, 20, 30, 40].dropFirst(Int(count))))
    }

    @Test("without an input nothing ever comes")
    func noInput() throws {
        let doorbell = HypercallDoorbell(memory: memory, output: output, input: nil, events: events)
        #expect(doorbell.ring(at: try store(2, length: 10)) == nil)
        #expect(try answer() == Answer(status: 0, length: 0))
    }

    @Test(
        "a buffer that is not as a whole in RAM is refused, and nothing is printed or taken",
        arguments: [1, 2],
        [
            (0x3_FFFF, 2), (0x4_0000, 1), (0xFFFF_EFFF, 2), (0xFFFF_FFFF, 2), (.max, 1), (.max, .max), (0x5_0000, 0),
            (0x1_0000_0001, 0),
        ] as [(UInt64, UInt64)])
    func badBuffer(operation: UInt32, buffer: (address: UInt64, length: UInt64)) throws {
        let (doorbell, queue) = makeDoorbell(input: [1, 2, 3])
        #expect(doorbell.ring(at: try store(operation, address: buffer.address, length: buffer.length)) == nil)
        #expect(try answer() == Answer(status: 2, length: 0))
        #expect(output.bytes == [])
        #expect(queue.waiting == [1, 2, 3])
    }

    @Test("the last bytes of RAM are a buffer, and a request")
    func lastBytes() throws {
        let (doorbell, _) = makeDoorbell()
        try memory.write([7, 8].span as Span<UInt8>, at: GuestAddress(0xFFFF_FFFE))
        #expect(doorbell.ring(at: try store(1, address: 0xFFFF_FFFE, length: 2)) == nil)
        #expect(output.bytes == [7, 8])
        let last: UInt64 = 0xFFFF_FFE8
        #expect(doorbell.ring(at: try store(0, at: last)) == nil)
        #expect(try answer(at: last) == Answer(status: 0, length: 1))
    }

    @Test(
        "a request that is not as a whole in RAM changes nothing, and is counted",
        arguments: [0x4_0000, 0x3_FFE9, 0xFFFF_EFFF, 0xFFFF_FFE9, 0xFFFF_FFFF, .max] as [UInt64])
    func lostRequest(address: UInt64) {
        let (doorbell, _) = makeDoorbell()
        #expect(doorbell.ring(at: GuestAddress(address)) == nil)
        #expect(doorbell.lostRequestCount == 1)
        #expect(output.bytes == [])
        #expect(events.event == nil)
    }

    @Test("exit ends the run with the length's lowest 8 bits", arguments: [0, 1, 255, 256, .max] as [UInt64])
    func exit(status: UInt64) throws {
        let (doorbell, _) = makeDoorbell()
        #expect(doorbell.ring(at: try store(4, length: status)) == nil)
        #expect(events.event == .exit(status: UInt8(truncatingIfNeeded: status)))
    }

    @Test(
        "wait is for whoever runs the vCPU, and is answered when it is over", arguments: [true, false], [true, false])
    func wait(hasInput: Bool, hasInterrupt: Bool) throws {
        let (doorbell, _) = makeDoorbell()
        let wait = try #require(doorbell.ring(at: try store(3, length: 12_345)))
        #expect(wait.nanoseconds == 12_345)
        #expect(try answer() == Answer(status: Self.unanswered, length: 12_345))
        wait.finish(in: memory, hasInput: hasInput, hasInterrupt: hasInterrupt)
        #expect(try answer() == Answer(status: 0, length: (hasInput ? 1 : 0) + (hasInterrupt ? 2 : 0)))
    }

    /// The request lies in the buffer: what is read may replace it, the answer comes after that.
    @Test("a request inside its own buffer is answered all the same")
    func overlap() throws {
        let (doorbell, _) = makeDoorbell(input: [UInt8](repeating: 0xAA, count: 64))
        #expect(doorbell.ring(at: try store(2, address: 0x100, length: 64)) == nil)
        #expect(try answer() == Answer(status: 0, length: 64))
        #expect(try memory.load(UInt32.self, at: GuestAddress(0x100)) == 0xAAAA_AAAA)
    }

    @Test(
        "random requests at random places: no trap, and nothing but RAM is touched",
        arguments: 1...4 as ClosedRange<UInt64>)
    func random(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (doorbell, _) = makeDoorbell(input: (0..<10_000).map { UInt8(truncatingIfNeeded: $0) })
        let edges: [UInt64] = [0, 0x4_0000, 0xFFFF_F000, 0x1_0000_0000, 0x8000_0000_0000_0000, 0]
        func number() -> UInt64 {
            let near =
                edges[Int.random(in: 0..<edges.count, using: &random)] &- 32
                &+ UInt64.random(in: 0..<64, using: &random)
            return Bool.random(using: &random) ? near : random.next() >> UInt64.random(in: 0..<64, using: &random)
        }
        for _ in 0..<TestScale.count(25_000) {
            let (request, place) = (number(), UInt64.random(in: 0..<0x3_FF00, using: &random))
            let operation = UInt32.random(in: 0...5, using: &random)
            _ = try store(operation, address: number(), length: number(), at: place)
            if let wait = doorbell.ring(at: GuestAddress(Bool.random(using: &random) ? request : place)) {
                wait.finish(
                    in: memory, hasInput: Bool.random(using: &random), hasInterrupt: Bool.random(using: &random))
            }
        }
    }
}
