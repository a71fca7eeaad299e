import DeviceModel
import Synchronization
import TestSupport
import Testing
import VirtioDriver

/// A driver that writes anything anywhere. The seed is the argument, so a failure can be repeated.
///
/// `scripts/fuzz fuzz-virtqueue` goes on where these end, with the address sanitizer around guest memory.
@Suite("A hostile driver")
struct HostileDriverTests {
    /// The parts of a queue lie at the front of the first region.
    private static let regions: [(start: UInt64, size: Int)] = [(0x1000, 0x1000), (.max - 255, 256)]

    private static func isInside(_ segment: GuestSegment) -> Bool {
        let (start, end) = (
            UInt128(segment.address.rawValue), UInt128(segment.address.rawValue) + UInt128(segment.count)
        )
        return regions.contains { UInt128($0.start) <= start && end <= UInt128($0.start) + UInt128($0.size) }
    }

    /// What holds for every chain that is given out, whatever memory holds.
    private static func isSound(_ chain: DescriptorChain, size: UInt16) -> Bool {
        let bytes = chain.readableByteCount + chain.writableByteCount
        return chain.head < size && chain.segments.count <= Int(size) + 65_536 && bytes <= 1 << 32
            && chain.segments.reduce(0) { $0 + UInt64($1.count) } == bytes
            && chain.readable.count + chain.writable.count == chain.segments.count
            && chain.segments.allSatisfy { $0.count > 0 && isInside($0) }
    }

    /// A descriptor whose fields are mostly at some edge.
    private static func descriptor(_ random: inout SplitMix64, entries: UInt64) -> (low: UInt64, high: UInt64) {
        let bits = random.next()
        // Mostly in RAM, else at its edges, at the edges of addresses, or anywhere.
        let address: UInt64 =
            switch bits & 31 {
            case 0: 0x0FFF &+ (bits >> 32 & 3)
            case 1: 0x1FF0 &+ (bits >> 32 & 31)
            case 2: .max &- (bits >> 32 & 511)
            case 3: bits >> 32 &* 0x1_0000_0001
            default: 0x1000 + (bits >> 32 & 0x7FF)
            }
        let count: UInt64 =
            switch bits >> 5 & 31 {
            case 0: 0
            case 1: 0xFFFF_FFFF
            case 2: bits >> 32
            case 3...12: (bits >> 40 & 7) * 16
            default: bits >> 40 & 63
            }
        // Seldom a table, sometimes a next one, and that mostly in the table.
        let flags = bits >> 10 & 2 | (bits >> 12 & 15 == 0 ? 4 : bits >> 16 & bits >> 17 & 1)
        let next = bits >> 18 & 15 == 0 ? bits >> 48 : (bits >> 22 & 0xFF) % (entries + 1)
        return (address, count & 0xFFFF_FFFF | flags << 32 | next << 48)
    }

    /// One queue with random contents that is worked through as a device does.
    private struct Bench {
        let memory: GuestMemory
        /// The first region, as it is written.
        var words = [UInt64](repeating: 0, count: 512)
        var chain = DescriptorChain()
        var (chains, errors, steps) = (0, 0, 0)

        init() throws {
            memory = try HostPages.makeMemory(HostileDriverTests.regions)
        }

        /// One queue and where it stands.
        struct Ring {
            var layout: VirtqueueLayout
            var features: VirtqueueFeatures
            var position: VirtqueuePosition
        }

        func makeQueue(_ ring: Ring) throws(VirtqueueError) -> Virtqueue {
            try Virtqueue(
                layout: ring.layout, features: ring.features, memory: memory, resumingAt: ring.position)
        }

        mutating func prepare(_ random: inout SplitMix64) throws -> Ring {
            let size = UInt16(1) << UInt16(random.next() % 5)
            let taken = UInt16(truncatingIfNeeded: random.next())
            let inFlight = UInt16(truncatingIfNeeded: random.next()) & (size - 1)
            let start = VirtqueuePosition(available: taken, used: taken &- inFlight)
            let features = VirtqueueFeatures(rawValue: random.next() & 3 << 28)
            // Behind the table come the rings; there the available index is seldom anything at all.
            let table = Int(size) * 2
            // Some descriptors change, the others are left from the rings before. Those behind the rings are for indirect tables.
            for _ in 0..<6 {
                let index = Int(random.next() % UInt64(size + 12)) * 2
                (words[index], words[index + 1]) = HostileDriverTests.descriptor(&random, entries: UInt64(size))
            }
            let bits = random.next()
            let index =
                bits & 15 == 0 ? UInt16(truncatingIfNeeded: bits >> 8) : start.available &+ UInt16(bits >> 8 & 3)
            // Heads are in the table but in one ring of eight.
            let heads = bits >> 17 & 7 == 0 ? 0x001F_001F_001F_001F : 0x0001_0001_0001_0001 * UInt64(size - 1)
            words[table] = random.next() & heads & ~0xFFFF_FFFF | UInt64(index) << 16 | bits >> 16 & 1
            for word in 1..<5 { words[table + word] = random.next() & heads }
            let part = words[0..<(table + 24)]
            try memory.write(part.span, at: GuestAddress(0x1000))
            let layout = MockDriver.layout(size: size, base: 0x1000)
            return Ring(layout: layout, features: features, position: start)
        }

        /// - Returns: what broke a promise, or nil.
        mutating func work(_ ring: Ring) throws -> String? {
            var queue = try makeQueue(ring)
            do throws(VirtqueueError) {
                var (taken, isMore) = (0, false)
                repeat {
                    try queue.suppressNotifications()
                    while try queue.nextChain(into: &chain) {
                        chains += 1
                        taken += 1
                        guard taken <= Int(queue.size) else { return "takes more chains than there are entries" }
                        guard HostileDriverTests.isSound(chain, size: queue.size) else { return "gives out \(chain)" }
                        try queue.addUsed(chain, written: 0xFFFF_FFFF)
                    }
                    _ = try queue.publish()
                    steps += 1
                    // The device's own writes may change the available ring where parts overlap; they never make it spin.
                    isMore = try queue.enableNotifications()
                } while isMore && taken < 8
                return queue.fault == nil ? nil : "is broken without an error"
            } catch {
                errors += 1
                guard queue.fault == error else { return "throws \(error) but is not broken by it" }
                return chain == DescriptorChain() ? nil : "leaves \(chain) behind an error"
            }
        }
    }

    @Test(
        "a million random rings neither trap nor spin, and no buffer lies outside of RAM",
        arguments: 1...4 as ClosedRange<UInt64>)
    func randomRings(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var bench = try Bench()
        let count = TestScale.count(250_000)
        for ring in 0..<count {
            let prepared = try bench.prepare(&random)
            if let broken = try bench.work(prepared) {
                Issue.record("seed \(seed), ring \(ring): \(broken)")
                return
            }
        }
        // Both kinds of ends are met, or the rings are not hostile, or too much so.
        #expect(bench.chains > count / 4)
        #expect(bench.errors > count / 4)
    }

    @Test("random chains are taken or refused as a second description says", arguments: 1...3 as ClosedRange<UInt64>)
    func randomChains(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var bench = try Bench()
        for step in 0..<TestScale.count(4_000) {
            let ring = try bench.prepare(&random)
            let (layout, taken) = (ring.layout, ring.position.available)
            let index = GuestAddress(layout.availableRing.rawValue + 2)
            try bench.memory.storeReleasing(taken &+ 1, at: index)
            let slot = GuestAddress(index.rawValue + 2 + 2 * (UInt64(taken) % UInt64(layout.size)))
            let head = try bench.memory.load(UInt16.self, at: slot)
            guard UInt32(head) < layout.size else { continue }
            let expected = SpecificationChain.read(head, in: try world(of: ring, in: bench.memory))
            var queue = try bench.makeQueue(ring)
            let seen = queue.perform(.nextChain)
            switch expected {
            case .success(let chain) where seen == .chain(chain): break
            case .failure(let error) where seen == .error(error): break
            default:
                Issue.record("seed \(seed), step \(step): \(seen), not \(expected)")
                return
            }
        }
    }

    /// All tables as they lie in memory.
    private func world(of ring: Bench.Ring, in memory: GuestMemory) throws -> SpecificationChain.World {
        func table(_ address: UInt64, _ count: Int) throws -> [MockDescriptor] {
            try (0..<count).map { index in
                let (low, high) = try memory.loadPairOnce(at: GuestAddress(address + UInt64(index) * 16))
                return MockDescriptor(
                    address: low, count: UInt32(truncatingIfNeeded: high),
                    flags: UInt16(truncatingIfNeeded: high >> 32),
                    next: UInt16(truncatingIfNeeded: high >> 48))
            }
        }
        var world = SpecificationChain.World(
            main: try table(ring.layout.descriptorTable.rawValue, Int(ring.layout.size)),
            ram: Self.regions.map { UInt128($0.start)..<(UInt128($0.start) + UInt128($0.size)) },
            hasIndirect: ring.features.contains(.indirectDescriptors))
        // Two descriptors may name one table with two lengths: the longer one is kept, and each walk cuts it.
        for descriptor in world.main where descriptor.flags & MockDescriptor.indirect != 0 {
            let entries = Int(descriptor.count) / 16
            guard world.holds(descriptor.address, descriptor.count) else { continue }
            guard world.tables[descriptor.address, default: []].count < entries else { continue }
            world.tables[descriptor.address] = try table(descriptor.address, entries)
        }
        return world
    }

    @Test("20,000 random steps of driver and device leave what a second description says", arguments: [1, 2, 4, 8, 16])
    func randomSteps(size: Int) throws {
        var random = SplitMix64(seed: UInt64(size))
        let memory = try HostPages.makeMemory([(0, 0x1000)])
        let descriptors = (0..<size).map {
            MockDescriptor(address: 0x800, count: UInt32($0), flags: UInt16($0 % 2) * 2)
        }
        let world = SpecificationChain.World(main: descriptors, ram: [0..<0x1000])
        let hasEventIndex = size % 3 == 1
        let driver = try MockDriver(
            memory: memory, size: UInt16(size), base: 0, features: hasEventIndex ? .eventIndex : [])
        try driver.write(descriptors, at: 0)
        var model = SpecificationQueue(size: size, hasEventIndex: hasEventIndex, count: 65_536 - 2 * size)
        func restart() throws -> Virtqueue {
            model.fault = nil
            model.known = 0
            model.returned = model.published
            model.availableIndex = SpecificationQueue.index(model.taken)
            let (available, used) = model.words
            try memory.write(available.span, at: driver.layout.availableRing)
            try memory.write(used.span, at: driver.layout.usedRing)
            return try driver.makeQueue(
                position: VirtqueuePosition(
                    available: model.availableIndex, used: SpecificationQueue.index(model.published)))
        }
        var queue = try restart()
        var restarts = 0
        for step in 0..<4_000 {
            let operation: SpecificationQueue.Operation
            switch random.next() % 16 {
            case 0...3:
                // The driver offers one more if it may, and seldom what it must not.
                let isSane = random.next() % 64 != 0
                let room = size - (model.taken + model.known - model.published)
                model.availableIndex &+= isSane ? (room > 0 ? 1 : 0) : UInt16(truncatingIfNeeded: random.next())
                try driver.setAvailableIndex(model.availableIndex)
                continue
            case 4:
                model.availableFlags = UInt16(random.next() & 1)
                model.usedEvent = SpecificationQueue.index(model.published) &+ UInt16(random.next() % 3) &- 1
                try driver.setFlags(model.availableFlags)
                try driver.setUsedEvent(model.usedEvent)
                continue
            case 5...8: operation = .nextChain
            case 9...11 where model.returned < model.taken || random.next() % 64 == 0:
                operation = .addUsed(
                    head: UInt16(random.next() & 0xFF), written: UInt32(truncatingIfNeeded: random.next()))
            case 12: operation = .availableCount
            case 13: operation = .suppressNotifications
            case 14: operation = .enableNotifications
            default: operation = .publish
            }
            let (seen, expected) = (
                queue.perform(operation), model.perform(operation) { SpecificationChain.read($0, in: world) }
            )
            guard seen == expected, queue.fault == model.fault else {
                Issue.record("step \(step), \(operation): \(seen), not \(expected)")
                return
            }
            if model.fault != nil {
                queue = try restart()
                restarts += 1
            }
        }
        #expect(restarts > 0 && model.taken > 65_536)
    }

    @Test(
        "a driver that rewrites everything during the walk cannot make a bad chain pass", arguments: [1, 2] as [UInt64])
    func writesDuringTheWalk(seed: UInt64) throws {
        let driver = try MockDriver(
            memory: HostPages.makeMemory(Self.regions), size: 8, base: 0x1000,
            features: [.indirectDescriptors, .eventIndex])
        let flag = Flag()
        let writer = HostThread {
            var random = SplitMix64(seed: seed)
            while !flag.isSet.load(ordering: .relaxed) {
                let index = random.next() & 15
                let (low, high) = Self.descriptor(&random, entries: 8)
                let address = 0x1000 + index * 16
                try? driver.memory.store(low, at: GuestAddress(address))
                try? driver.memory.store(high, at: GuestAddress(address + 8))
                let slot = driver.layout.availableRing.rawValue + 4 + 2 * (random.next() & 7)
                try? driver.memory.store(UInt16(random.next() & 7), at: GuestAddress(slot))
            }
        }
        var chain = DescriptorChain()
        var (chains, errors) = (0, 0)
        let (clock, rounds) = (ContinuousClock(), TestScale.count(30_000))
        let end = clock.now + TestScale.patience
        var round = 0
        // On one processor it may take a while until both threads have run in turn.
        while round < rounds || (chains == 0 || errors == 0) && clock.now < end {
            round += 1
            let start = UInt16(truncatingIfNeeded: round)
            try driver.setAvailableIndex(start &+ 1)
            var queue = try driver.makeQueue(position: VirtqueuePosition(available: start, used: start))
            do throws(VirtqueueError) {
                guard try queue.nextChain(into: &chain) else {
                    Issue.record("seed \(seed): a chain that is offered looks like none")
                    break
                }
                chains += 1
                guard Self.isSound(chain, size: 8) else {
                    Issue.record("seed \(seed): \(chain)")
                    break
                }
            } catch {
                errors += 1
            }
        }
        flag.isSet.store(true, ordering: .relaxed)
        writer.join()
        #expect(chains > 0 && errors > 0)
    }

    /// A field of a descriptor that a thread writes in turn with a right value and a wrong one, and does nothing else.
    enum Flip: CaseIterable {
        case address, length, table, tableLength

        var isOfTable: Bool { self == .table || self == .tableLength }

        var isOfLength: Bool { self == .length || self == .tableLength }

        /// The word of the descriptor that holds the field, right and wrong.
        var values: [UInt64] {
            switch self {
            case .address, .table: [0x1800, 0xDEAD_0000]
            case .length: [16, 0xFFFF_FFF0]
            case .tableLength: [4 << 32 | 32, 4 << 32 | 0xFFFF_FFF0]
            }
        }

        /// What comes of the wrong value.
        var error: VirtqueueError {
            let place = DescriptorLocation(head: 0, index: 0, isIndirect: false)
            return switch self {
            case .address: .bufferNotInMemory(place, GuestAddress(0xDEAD_0000), count: 16)
            case .length: .bufferNotInMemory(place, GuestAddress(0x1800), count: 0xFFFF_FFF0)
            case .table: .indirectTableNotInMemory(place, GuestAddress(0xDEAD_0000), count: 32)
            case .tableLength: .indirectTableNotInMemory(place, GuestAddress(0x1800), count: 0xFFFF_FFF0)
            }
        }
    }

    @Test("what a driver turns to and fro is used as it was when it was checked", arguments: Flip.allCases)
    func turnsToAndFro(flip: Flip) throws {
        let memory = try HostPages.makeMemory(Self.regions)
        let driver = try MockDriver(memory: memory, size: 1, base: 0x1000, features: .indirectDescriptors)
        try driver.set(
            0, MockDescriptor(address: 0x1800, count: flip.isOfTable ? 32 : 16, flags: flip.isOfTable ? 4 : 0))
        try driver.write([MockDescriptor(address: 0x1900, count: 16)], at: 0x1800)
        try driver.setAvailableIndex(1)
        let flag = Flag()
        let writer = HostThread {
            let address = GuestAddress(flip.isOfLength ? 0x1008 : 0x1000)
            while !flag.isSet.load(ordering: .relaxed) {
                for value in flip.values { try? memory.store(value, at: address) }
            }
        }
        var chain = DescriptorChain()
        var (chains, errors, rounds) = (0, 0, 0)
        let (clock, atLeast) = (ContinuousClock(), 20_000)
        let end = clock.now + TestScale.patience
        let expected = GuestSegment(address: GuestAddress(flip.isOfTable ? 0x1900 : 0x1800), count: 16)
        while rounds < atLeast || (chains == 0 || errors == 0) && clock.now < end {
            rounds += 1
            var queue = try driver.makeQueue()
            do throws(VirtqueueError) {
                guard try queue.nextChain(into: &chain), chain.segments == [expected] else {
                    Issue.record("\(chain)")
                    break
                }
                chains += 1
            } catch {
                guard error == flip.error else {
                    Issue.record("\(error)")
                    break
                }
                errors += 1
            }
        }
        flag.isSet.store(true, ordering: .relaxed)
        writer.join()
        #expect(chains > 0 && errors > 0)
    }

    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }
}
