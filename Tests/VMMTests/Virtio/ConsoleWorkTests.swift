import DeviceModel
import LinuxHost
import Synchronization
import Testing
import VirtioDriver

@testable import VMM

@Suite("How much work a guest gives a console's thread at once")
struct ConsoleWorkTests {
    /// Takes the queue, for the test to work on it.
    private final class Holder: VirtioBackend {
        private struct State: ~Copyable {
            var session: VirtioSession?
            var queue: Virtqueue?
        }

        let deviceID: UInt32 = 3
        let features: VirtioFeatures = [.indirectDescriptors]
        let queueSizes: [UInt16] = [256]
        let configuration = VirtioConfiguration()
        private let state = Mutex(State())

        func activate(_ session: VirtioSession) { state.withLock { $0.session = session } }
        func start(_ queue: consuming Virtqueue, index: Int) {
            var queue = Optional(queue)
            state.withLock { $0.queue = queue.take() }
        }
        func stop(queue index: Int) { state.withLock { $0.queue = nil } }
        func notify(queue index: Int) {}
        func reset() {}

        /// Nil where the driver has not made the queue ready.
        func withQueue<R>(_ body: (inout Virtqueue, VirtioSession) throws -> R) throws -> R? {
            try state.withLock { state in
                guard let session = state.session, var queue = state.queue.take() else { return nil }
                let result = try body(&queue, session)
                state.queue = consume queue
                return result
            }
        }
    }

    private static let table = GuestAddress(0x10_0000)

    /// A queue of 256 chains, each of them the same table of so many buffers of one byte, all to be read or all to be written.
    private static func makeQueue(
        tableCount: Int, flags: UInt16
    ) throws -> (holder: Holder, transport: VirtioMMIO, driver: MockDriver) {
        let memory = try HostPages.makeMemory([(start: 0, size: 2 << 20)])
        var driver = try MockDriver(memory: memory, size: 256, base: 0, features: [.indirectDescriptors])
        let pieces = (1...tableCount).map {
            MockDescriptor(
                address: 0x18_0000, count: 1, flags: flags | ($0 < tableCount ? MockDescriptor.next : 0),
                next: UInt16($0))
        }
        try driver.write(pieces, at: table.rawValue)
        for head in 0..<UInt16(256) {
            try driver.set(
                head,
                MockDescriptor(
                    address: table.rawValue, count: UInt32(tableCount * 16), flags: MockDescriptor.indirect))
            try driver.offer(head)
        }
        _ = try driver.publish()
        let holder = Holder()
        let transport = VirtioMMIO(backend: holder, memory: memory, interrupt: nil)
        transport.bringUp(
            [driver.layout], features: VirtioMMIO.version1 | VirtioFeatures.indirectDescriptors.rawValue)
        return (holder, transport, driver)
    }

    private static func makeTransmitter(_ memory: GuestMemory) -> ConsoleTransmitter {
        ConsoleTransmitter(to: ConsoleChannel(to: .discarding()), memory: memory, queue: 0) {}
    }

    @Test("chains without output are given back a few at a time, and others have their turn between")
    func turns() throws {
        var (holder, _, driver) = try Self.makeQueue(tableCount: 1024, flags: MockDescriptor.write)
        var transmitter = Self.makeTransmitter(driver.memory)
        var counts: [Int] = []
        while counts.reduce(0, +) < 256 {
            let progress = try holder.withQueue { try transmitter.work(on: &$0, $1) { true } }
            try #require(progress == .again)
            var count = 0
            while try driver.takeUsed() != nil { count += 1 }
            try #require(count > 0)
            counts.append(count)
        }
        #expect(counts.allSatisfy { $0 <= 4 })
    }

    @Test("what is left at the end is counted where that is soon done, and not all of it where it is not")
    func abandoned() throws {
        for (tableCount, expected) in [(1, 256), (60, 256 * 60), (1024, 16 * 1024)] {
            let (holder, _, driver) = try Self.makeQueue(tableCount: tableCount, flags: 0)
            var transmitter = Self.makeTransmitter(driver.memory)
            #expect(try holder.withQueue { queue, _ in transmitter.abandon(&queue) } == UInt64(expected))
        }
    }
}
