import DeviceModel
import Testing
import VirtioDriver

/// Every state of small queues against a second description of VIRTIO 1.2 §2.7: each operation is done once in each state,
/// and the outcome, the positions and all of both rings are compared. What follows an operation is a state again, so this
/// covers all sequences.
///
/// A state is how many chains were given back unseen, are in flight, are known to be offered and are offered, where the
/// indices stand in the ring and against their wrap at 65,536, and what the driver wrote.
@Suite("States of a virtqueue")
struct VirtqueueStateTests {
    private static let base: UInt64 = 0x4000
    private static let ram: (start: UInt64, size: Int) = (0x4000, 0x4000)

    /// A state before the operation. `known` chains were seen to be offered at an earlier look.
    struct State {
        var size: Int
        var hasEventIndex: Bool
        var count: Int
        var added: Int
        var inFlight: Int
        var known = 0
        var availableIndex: UInt16
        var availableFlags: UInt16 = 0
        var usedEvent: UInt16 = 0
    }

    /// Where the ring begins in the first round, and all places around the wrap in a late one.
    private static func counts(_ size: Int) -> [Int] {
        Array(0..<size) + Array((65_536 - size - 2)...(65_536 + 1)) + [32_767, 7 * 65_536 - 1]
    }

    /// All states of a ring that differ for operations that look at the available ring, or at none.
    private static func states(_ size: Int) -> [State] {
        var states: [State] = []
        for added in 0...size {
            for inFlight in 0...(size - added) {
                for known in 0...(size - added - inFlight) {
                    // Where the indices stand is told apart in full only for what the device does not know yet.
                    let counts = known == 0 ? counts(size) : [0, 65_535, 65_536 - size / 2]
                    // All that may be offered, two more, and one and two that were offered before: the index went back.
                    for (count, offered) in product(counts, -2...(size - added - inFlight + 2)) {
                        let index = SpecificationQueue.index(count + added + inFlight + offered + 65_536)
                        var state = State(
                            size: size, hasEventIndex: false, count: count, added: added, inFlight: inFlight,
                            known: known, availableIndex: index)
                        states.append(state)
                        state.hasEventIndex = true
                        states.append(state)
                    }
                }
            }
        }
        return states
    }

    private static func product(_ first: [Int], _ second: ClosedRange<Int>) -> [(Int, Int)] {
        first.flatMap { value in second.map { (value, $0) } }
    }

    private struct Bench {
        let memory: GuestMemory
        let driver: MockDriver
        let world: SpecificationChain.World

        init(size: Int) throws {
            memory = try HostPages.makeMemory([VirtqueueStateTests.ram])
            driver = try MockDriver(memory: memory, size: UInt16(size), base: VirtqueueStateTests.base)
            let descriptors = (0..<size).map {
                MockDescriptor(address: 0x6000 + UInt64($0) * 16, count: UInt32($0) + 1, flags: UInt16($0 % 2) * 2)
            }
            try driver.write(descriptors, at: VirtqueueStateTests.base)
            world = SpecificationChain.World(main: descriptors, ram: [0x4000..<0x8000])
        }

        /// Does the operation in the state; nil if all is as the specification's queue says, else what is not.
        func difference(_ operation: SpecificationQueue.Operation, in state: State) throws -> String? {
            var model = SpecificationQueue(size: state.size, hasEventIndex: state.hasEventIndex, count: state.count)
            model.taken += state.added + state.inFlight
            model.availableIndex = state.availableIndex
            model.availableFlags = state.availableFlags
            model.usedEvent = state.usedEvent
            let (available, used) = model.words
            try memory.write(available.span, at: driver.layout.availableRing)
            try memory.write(used.span, at: driver.layout.usedRing)
            var queue = try Virtqueue(
                layout: driver.layout, features: state.hasEventIndex ? .eventIndex : [], memory: memory,
                resumingAt: VirtqueuePosition(
                    available: SpecificationQueue.index(model.taken), used: SpecificationQueue.index(state.count)))
            if state.known > 0 {
                let index = SpecificationQueue.index(model.taken + state.known)
                try driver.setAvailableIndex(index)
                model.availableIndex = index
                guard queue.perform(.availableCount) == model.perform(.availableCount, chain) else { return "looks" }
                try driver.setAvailableIndex(state.availableIndex)
                model.availableIndex = state.availableIndex
            }
            for index in 0..<state.added {
                let add = SpecificationQueue.Operation.addUsed(head: UInt16(index), written: UInt32(index) * 0x1_0001)
                guard queue.perform(add) == model.perform(add, chain) else { return "\(add)" }
            }
            let (seen, expected) = (queue.perform(operation), model.perform(operation, chain))
            guard seen == expected else { return "gives \(seen), not \(expected)" }
            let position = VirtqueuePosition(
                available: SpecificationQueue.index(model.taken), used: SpecificationQueue.index(model.published))
            guard queue.position == position else { return "leads to \(queue.position), not \(position)" }
            guard queue.fault == model.fault else { return "leaves \(String(describing: queue.fault))" }
            return try ringDifference(model)
        }

        private func ringDifference(_ model: SpecificationQueue) throws -> String? {
            let (available, used) = model.words
            for (expected, start) in [(available, driver.layout.availableRing), (used, driver.layout.usedRing)] {
                var bytes = [UInt8](repeating: 0, count: expected.count * 2)
                var span = bytes.mutableSpan
                try memory.read(at: start, into: &span)
                for (index, word) in expected.enumerated()
                where bytes[2 * index] != UInt8(word & 0xFF) || bytes[2 * index + 1] != UInt8(word >> 8) {
                    return "leaves \(bytes) in a ring, not \(expected)"
                }
            }
            return nil
        }

        private func chain(_ head: UInt16) -> Result<SpecificationChain, VirtqueueError> {
            SpecificationChain.read(head, in: world)
        }
    }

    @Test(
        "every operation but publishing does in every state what the specification says", arguments: [1, 2, 4, 8])
    func everyState(size: Int) throws {
        let bench = try Bench(size: size)
        let operations: [SpecificationQueue.Operation] = [
            .availableCount, .nextChain, .addUsed(head: 7, written: 0x1234_5678), .suppressNotifications,
            .enableNotifications,
        ]
        let states = Self.states(size)
        if size == 8 { #expect(states.count > 20_000) }
        for state in states {
            for operation in operations {
                guard let difference = try bench.difference(operation, in: state) else { continue }
                Issue.record("\(operation) in \(state) \(difference)")
                return
            }
        }
    }

    @Test(
        "publishing asks in every state for an interrupt exactly when the specification says", arguments: [1, 2, 4, 8])
    func everyPublish(size: Int) throws {
        let bench = try Bench(size: size)
        for count in Self.counts(size) {
            for added in 0...size {
                for inFlight in [0, size - added] {
                    let index = SpecificationQueue.index(count + added + inFlight)
                    var state = State(
                        size: size, hasEventIndex: false, count: count, added: added, inFlight: inFlight,
                        availableIndex: index)
                    for flags in [0, 1, 2, 3, 0xFFFE, 0xFFFF] as [UInt16] {
                        state.availableFlags = flags
                        state.usedEvent = SpecificationQueue.index(count)
                        if let difference = try bench.difference(.publish, in: state) {
                            Issue.record("publishing in \(state) \(difference)")
                            return
                        }
                    }
                    state.hasEventIndex = true
                    for event in Array(-2...(size + 2)) + [0x7FFF, 0x8000, 0x8001] {
                        state.usedEvent = SpecificationQueue.index(count + event + 65_536)
                        state.availableFlags = UInt16(event & 1)
                        if let difference = try bench.difference(.publish, in: state) {
                            Issue.record("publishing in \(state) \(difference)")
                            return
                        }
                    }
                }
            }
        }
    }

    @Test(
        "of all 65,536 available indices those within reach are taken and the others refused", arguments: [1, 2, 4, 8])
    func everyAvailableIndex(size: Int) throws {
        let memory = try HostPages.makeMemory([Self.ram])
        let driver = try MockDriver(memory: memory, size: UInt16(size), base: Self.base)
        for (taken, inFlight) in [(65_533, 0), (2, UInt16(size) / 2)] as [(UInt16, UInt16)] {
            let position = VirtqueuePosition(available: taken, used: taken &- inFlight)
            var accepted: [UInt16] = []
            for index in 0...UInt16.max {
                try driver.setAvailableIndex(index)
                var queue = try driver.makeQueue(position: position)
                switch queue.perform(.availableCount) {
                case .count(let count):
                    guard count == index &- taken else {
                        Issue.record("index \(index) gives \(count) chains")
                        return
                    }
                    accepted.append(index)
                case .error(.availableIndex(index, taken: taken, inFlight: inFlight)): break
                case let outcome:
                    Issue.record("index \(index) gives \(outcome)")
                    return
                }
            }
            let reach = (0...(UInt16(size) - inFlight)).map { taken &+ $0 }
            #expect(accepted.sorted() == reach.sorted())
        }
    }
}
