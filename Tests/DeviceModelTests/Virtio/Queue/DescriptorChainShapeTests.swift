import DeviceModel
import Testing
import VirtioDriver

/// Every shape of a descriptor chain up to a bound, against a second description of VIRTIO 1.2 §2.7.5: the whole chain or
/// the whole error is compared.
///
/// A chain is made one descriptor at a time. Each gets every combination of flags with every kind of buffer, or of table,
/// and every kind of next: one that was not visited, each that was, and two that do not exist. Where the chain goes on at a
/// new descriptor, so does the making.
@Suite("Shapes of descriptor chains")
struct DescriptorChainShapeTests {
    private static let base: UInt64 = 0x4000
    private static let ram: Range<UInt64> = 0x4000..<0xC000
    /// Where indirect tables lie; not at a multiple of 16, for nothing asks that of them.
    private static let table: UInt64 = 0x8004

    /// The kinds of buffers: two that are right, an empty one, and what lies outside of RAM in each way.
    private static let buffers: [(address: UInt64, count: UInt32)] = [
        (0x9000, 24), (0xBFFF, 1), (0xDEAD_0000_0000, 0), (0xBFFF, 2), (0x3FFF, 2), (.max, 1), (.max - 1, 4),
        (0x9000, .max),
    ]
    /// Those that a chain may go on behind.
    private static let goodBuffers: [(address: UInt64, count: UInt32)] = [(0x9000, 24), (0xDEAD_0000_0000, 0)]

    private struct Bench {
        let memory: GuestMemory
        let driver: MockDriver
        var world: SpecificationChain.World
        var count = 0
        /// Where the next descriptor is written: the order in which a table's entries are used, neither up nor down.
        let order: [UInt16]

        init(size: Int, hasIndirect: Bool = true) throws {
            let range = DescriptorChainShapeTests.ram
            memory = try HostPages.makeMemory([(range.lowerBound, range.count)])
            driver = try MockDriver(
                memory: memory, size: UInt16(size), base: DescriptorChainShapeTests.base,
                features: hasIndirect ? .indirectDescriptors : [])
            world = SpecificationChain.World(
                main: Array(repeating: MockDescriptor(address: 0, count: 0), count: size),
                ram: [UInt128(range.lowerBound)..<UInt128(range.upperBound)], hasIndirect: hasIndirect)
            order = (0..<size).map { UInt16(($0 * 3 + 1) % size) }
            try memory.store(order[0], at: GuestAddress(driver.layout.availableRing.rawValue + 4))
            try driver.setAvailableIndex(1)
        }

        mutating func set(_ index: UInt16, _ descriptor: MockDescriptor) throws {
            world.main[Int(index)] = descriptor
            try driver.set(index, descriptor)
        }

        mutating func setIndirect(_ index: UInt16, _ descriptor: MockDescriptor) throws {
            let table = DescriptorChainShapeTests.table
            world.tables[table]?[Int(index)] = descriptor
            try driver.write([descriptor], at: table + 16 * UInt64(index))
        }

        /// Takes the chain as it stands.
        ///
        /// - Returns: whether it is as the specification says.
        mutating func isSame(head: UInt16) throws -> Bool {
            count += 1
            let expected = SpecificationChain.read(head, in: world)
            var queue = try driver.makeQueue()
            var chain = DescriptorChain()
            let seen: Result<SpecificationChain, VirtqueueError>
            do throws(VirtqueueError) {
                let isTaken = try queue.nextChain(into: &chain)
                seen = .success(SpecificationChain(chain))
                guard isTaken, queue.fault == nil, queue.position.available == 1 else { return false }
            } catch {
                seen = .failure(error)
                guard queue.fault == error, queue.position.available == 0, chain == DescriptorChain() else {
                    return false
                }
            }
            guard seen == expected else {
                Issue.record("\(world) gives \(seen), not \(expected)")
                return false
            }
            return true
        }
    }

    /// All descriptors that may stand at a place where `visited` came before and `fresh` may come next. Of those that go on at
    /// `fresh` there are none here: they are made one by one.
    private static func endings(
        visited: [UInt16], fresh: UInt16?, entries: Int, tableCounts: [UInt32]
    ) -> [MockDescriptor] {
        var all: [MockDescriptor] = []
        for flags in 0...7 as ClosedRange<UInt16> {
            let isTable = flags & MockDescriptor.indirect != 0
            let places = isTable ? tableCounts.map { (table, $0) } + [(0xBFF8, 16), (.max - 15, 32)] : buffers
            let nexts: [UInt16] = flags & MockDescriptor.next == 0 ? [0xFFFF] : visited + [UInt16(entries), 0xFFFF]
            for (address, count) in places {
                all += nexts.map { MockDescriptor(address: address, count: count, flags: flags, next: $0) }
                // With an error of its own it need not matter that there would be a next one.
                if flags & MockDescriptor.next != 0, let fresh, isTable || !ram.contains(address) && count != 0 {
                    all.append(MockDescriptor(address: address, count: count, flags: flags, next: fresh))
                }
            }
        }
        return all
    }

    /// All chains that begin with what was made so far in the descriptor table.
    ///
    /// - Returns: whether all are as the specification says.
    private func extend(
        _ bench: inout Bench, visited: [UInt16], going buffers: [(address: UInt64, count: UInt32)],
        tableCounts: [UInt32] = [0, 8, 24, .max], intoTables: ((inout Bench, UInt16) throws -> Bool)? = nil
    ) throws -> Bool {
        let size = bench.world.main.count
        let here = bench.order[visited.count]
        let fresh = visited.count + 1 < size ? bench.order[visited.count + 1] : nil
        let endings = Self.endings(
            visited: visited + [here], fresh: fresh, entries: size, tableCounts: tableCounts)
        for ending in endings {
            try bench.set(here, ending)
            guard try bench.isSame(head: bench.order[0]) else { return false }
        }
        if let intoTables, try !intoTables(&bench, here) { return false }
        guard let fresh else { return true }
        for (address, count) in buffers {
            for flags in [MockDescriptor.next, MockDescriptor.next | MockDescriptor.write] {
                // What reads behind what writes is an ending: no need to look what would come after.
                let isWritten =
                    visited.last.map { bench.world.main[Int($0)].flags & MockDescriptor.write != 0 } ?? false
                try bench.set(here, MockDescriptor(address: address, count: count, flags: flags, next: fresh))
                if isWritten, flags & MockDescriptor.write == 0 {
                    guard try bench.isSame(head: bench.order[0]) else { return false }
                    continue
                }
                guard
                    try extend(
                        &bench, visited: visited + [here], going: buffers, tableCounts: tableCounts,
                        intoTables: intoTables)
                else { return false }
            }
        }
        return true
    }

    /// All chains within an indirect table of so many entries, which the descriptor at `place` refers to with these flags.
    private func extendTable(
        _ bench: inout Bench, at place: UInt16, flags: UInt16 = MockDescriptor.indirect, entries: Int, order: [UInt16],
        visited: [UInt16] = []
    ) throws -> Bool {
        let here = order[visited.count]
        let fresh = visited.count + 1 < entries ? order[visited.count + 1] : nil
        if visited.isEmpty {
            bench.world.tables[Self.table] = Array(repeating: MockDescriptor(address: 0, count: 0), count: entries)
            let count = UInt32(entries) * 16
            try bench.set(place, MockDescriptor(address: Self.table, count: count, flags: flags))
        }
        for ending in Self.endings(visited: visited + [here], fresh: fresh, entries: entries, tableCounts: [16, 0]) {
            try bench.setIndirect(here, ending)
            guard try bench.isSame(head: bench.order[0]) else { return false }
        }
        guard let fresh else { return true }
        for goesOn in [MockDescriptor.next, MockDescriptor.next | MockDescriptor.write] {
            try bench.setIndirect(here, MockDescriptor(address: 0x9000, count: 24, flags: goesOn, next: fresh))
            guard
                try extendTable(&bench, at: place, entries: entries, order: order, visited: visited + [here])
            else { return false }
        }
        return true
    }

    @Test("each chain in a descriptor table of up to 4 entries is taken or refused as specified", arguments: [1, 2, 4])
    func smallTables(size: Int) throws {
        for hasIndirect in [false, true] {
            var bench = try Bench(size: size, hasIndirect: hasIndirect)
            #expect(try extend(&bench, visited: [], going: Self.goodBuffers))
            if size == 4 { #expect(bench.count > 3_000) }
        }
    }

    @Test("each chain in a descriptor table of 8 entries is taken or refused as specified")
    func eightEntries() throws {
        var bench = try Bench(size: 8)
        #expect(try extend(&bench, visited: [], going: [Self.goodBuffers[0]]))
        #expect(bench.count > 4_000)
    }

    @Test("each chain that ends in an indirect table is taken or refused as specified", arguments: [1, 2, 3])
    func indirectTables(entries: Int) throws {
        var bench = try Bench(size: 4)
        let order = [0, 2, 1].filter { $0 < entries } as [UInt16]
        let isSame = try extend(&bench, visited: [], going: [Self.goodBuffers[0]]) { bench, place in
            let table = MockDescriptor.indirect
            return try extendTable(&bench, at: place, flags: table, entries: entries, order: order)
                && extendTable(&bench, at: place, flags: table | MockDescriptor.write, entries: entries, order: order)
        }
        #expect(isSame)
        #expect(bench.count > 1_000)
    }

    @Test("each chain in an indirect table of more entries than the queue has is taken or refused as specified")
    func longIndirectTable() throws {
        var bench = try Bench(size: 1)
        #expect(try extendTable(&bench, at: 0, entries: 6, order: [0, 5, 1, 4, 2, 3]))
        #expect(bench.count > 1_000)
    }

    /// Here nothing is left out: all entries get all values, also those that no chain comes to.
    @Test("each content of a descriptor table of 2 entries gives what is specified, from each head")
    func everyContent() throws {
        var bench = try Bench(size: 2)
        var alphabet: [MockDescriptor] = []
        bench.world.tables[Self.table] = [MockDescriptor(address: 0x9000, count: 8)]
        try bench.setIndirect(0, MockDescriptor(address: 0x9000, count: 8))
        for flags in 0...7 as ClosedRange<UInt16> {
            let buffers: [(UInt64, UInt32)] = [(0x9000, 24), (0xBFFF, 2), (5, 0)]
            let tables: [(UInt64, UInt32)] = [(Self.table, 16), (Self.table, 20)]
            for (address, count) in flags & MockDescriptor.indirect == 0 ? buffers : tables {
                for next in [0, 1, 2] as [UInt16] {
                    alphabet.append(MockDescriptor(address: address, count: count, flags: flags, next: next))
                }
            }
        }
        for first in alphabet {
            try bench.set(0, first)
            for second in alphabet {
                try bench.set(1, second)
                for head in 0...2 as ClosedRange<UInt16> {
                    try bench.memory.store(head, at: GuestAddress(bench.driver.layout.availableRing.rawValue + 4))
                    if head < 2 {
                        guard try bench.isSame(head: head) else { return }
                    } else {
                        var queue = try bench.driver.makeQueue()
                        #expect(queue.perform(.nextChain) == .error(.head(2, availableIndex: 0)))
                    }
                }
            }
        }
    }
}
