import DeviceModel
import Synchronization
import Testing
import VirtioDriver

@Suite("Guest memory")
struct GuestMemoryTests {
    /// One page at 0 and one at 1 MiB, with nothing between.
    private func makeMemory() throws -> GuestMemory {
        try HostPages.makeMemory([(0, 4096), (0x10_0000, 4096)])
    }

    private func bytes(of memory: GuestMemory, at address: UInt64, count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: count)
        var span = bytes.mutableSpan
        try memory.read(at: GuestAddress(address), into: &span)
        return bytes
    }

    @Test("regions are reported as given")
    func reportsRegions() throws {
        let regions = try makeMemory().regions
        #expect(regions.map(\.start) == [GuestAddress(0), GuestAddress(0x10_0000)])
        #expect(regions.map(\.size) == [4096, 4096])
    }

    @Test("integers are stored with the lowest byte first, at any alignment")
    func storesLittleEndian() throws {
        let memory = try makeMemory()
        try memory.store(UInt32(0x1122_3344), at: GuestAddress(0x101))
        #expect(try bytes(of: memory, at: 0x100, count: 6) == [0, 0x44, 0x33, 0x22, 0x11, 0])
        #expect(try memory.load(UInt16.self, at: GuestAddress(0x102)) == 0x2233)
        #expect(try memory.load(UInt64.self, at: GuestAddress(0x101)) == 0x1122_3344)
        try memory.store(Int8(-1), at: GuestAddress(0x10_0000))
        #expect(try memory.load(Int8.self, at: GuestAddress(0x10_0000)) == -1)
    }

    @Test("bytes that are written are read back, and their neighbours stay as they were")
    func writesBytes() throws {
        let memory = try makeMemory()
        try memory.write(([1, 2, 3] as [UInt8]).span, at: GuestAddress(0x10_0FFD))
        #expect(try bytes(of: memory, at: 0x10_0FFC, count: 4) == [0, 1, 2, 3])
    }

    @Test(
        "an access that does not lie inside one region is refused",
        arguments: [
            (0x0FFD, 4), (0x1000, 1), (0x0F_FFFF, 2), (0x0F_FFFF, 1), (0x10_0FFF, 2), (0x10_1000, 1),
            (0, 4097), (0, .max), (1, .max), (0x0FFF, .max), (.max, 1), (.max, .max), (.max - 3, 8), (0x1001, 0),
            (.max, 0),
        ] as [(UInt64, UInt64)])
    func refusesOutOfBounds(address: UInt64, count: UInt64) throws {
        #expect(try makeMemory().contains(GuestAddress(address), count: count) == false)
    }

    @Test(
        "an access inside one region passes",
        arguments: [(0, 4096), (0x0FFF, 1), (0x10_0000, 4096), (0x10_0FFC, 4), (0, 0), (0x1000, 0), (0x10_1000, 0)]
            as [(UInt64, UInt64)])
    func acceptsInBounds(address: UInt64, count: UInt64) throws {
        #expect(try makeMemory().contains(GuestAddress(address), count: count))
    }

    @Test("every kind of access refuses the byte past the end, and changes nothing")
    func everyAccessIsGated() throws {
        let memory = try makeMemory()
        let end = GuestAddress(0x0FFE)
        #expect(throws: GuestMemoryError.outOfBounds(address: end, count: 4)) { try memory.load(UInt32.self, at: end) }
        #expect(throws: GuestMemoryError.outOfBounds(address: end, count: 8)) { try memory.store(UInt64.max, at: end) }
        #expect(throws: GuestMemoryError.outOfBounds(address: end, count: 3)) {
            try memory.write(([1, 2, 3] as [UInt8]).span, at: end)
        }
        #expect(throws: GuestMemoryError.outOfBounds(address: end, count: 3)) {
            try bytes(of: memory, at: 0x0FFE, count: 3)
        }
        #expect(throws: GuestMemoryError.outOfBounds(address: end, count: 3)) {
            try memory.withMutableBytes(at: end, count: 3) { $0.storeBytes(of: 1, as: UInt8.self) }
        }
        #expect(try bytes(of: memory, at: 0x0FFE, count: 2) == [0, 0])
    }

    @Test("a refused read leaves its destination as it was")
    func refusedReadChangesNothing() throws {
        let memory = try makeMemory()
        var bytes: [UInt8] = [7, 8]
        var span = bytes.mutableSpan
        let isRefused: Bool
        do throws(GuestMemoryError) {
            try memory.read(at: GuestAddress(0x0FFF), into: &span)
            isRefused = false
        } catch {
            isRefused = true
        }
        #expect(isRefused)
        #expect(bytes == [7, 8])
    }

    @Test("reading and writing no bytes succeeds inside a region")
    func zeroCount() throws {
        let memory = try makeMemory()
        try memory.write([UInt8]().span, at: GuestAddress(0x1000))
        #expect(try bytes(of: memory, at: 0x10_1000, count: 0) == [])
        #expect(throws: GuestMemoryError.self) { try bytes(of: memory, at: 0x1001, count: 0) }
    }

    @Test("a loader fills memory in place")
    func lendsBytes() throws {
        let memory = try makeMemory()
        let count = try memory.withMutableBytes(at: GuestAddress(0x10_0010), count: 2) { bytes in
            bytes.storeBytes(of: 0xAA55, as: UInt16.self)
            return bytes.byteCount
        }
        #expect(count == 2)
        #expect(try memory.load(UInt32.self, at: GuestAddress(0x10_0010)) == 0xAA55)
    }

    @Test("a loader that asks for a negative count is refused", arguments: [-1, .min])
    func refusesNegativeCount(count: Int) throws {
        let memory = try makeMemory()
        #expect(throws: GuestMemoryError.self) {
            try memory.withMutableBytes(at: GuestAddress(0), count: count) { _ in }
        }
    }

    @Test("a region may end at the last address that 64 bits can name")
    func regionAtTheVeryEnd() throws {
        let memory = try HostPages.makeMemory([(.max - 15, 16)])
        try memory.store(UInt64(5), at: GuestAddress(.max - 7))
        #expect(try memory.load(UInt64.self, at: GuestAddress(.max - 7)) == 5)
        #expect(throws: GuestMemoryError.self) { try memory.load(UInt64.self, at: GuestAddress(.max - 6)) }
    }

    @Test("an access across two regions that touch is refused")
    func touchingRegionsStayApart() throws {
        let memory = try HostPages.makeMemory([(0, 16), (16, 16)])
        #expect(memory.contains(GuestAddress(12), count: 4))
        #expect(memory.contains(GuestAddress(16), count: 4))
        #expect(!memory.contains(GuestAddress(14), count: 4))
    }

    @Test("regions that are empty, wrap, overlap or are out of order are refused by name")
    func refusesBadLayouts() {
        #expect(throws: GuestMemoryLayoutError.empty(GuestAddress(0x1000))) {
            try HostPages.makeMemory([(0, 16), (0x1000, 0)])
        }
        #expect(throws: GuestMemoryLayoutError.wraps(GuestAddress(.max - 14), size: 16)) {
            try HostPages.makeMemory([(.max - 14, 16)])
        }
        #expect(throws: GuestMemoryLayoutError.overlapOrDisorder(GuestAddress(0), GuestAddress(15))) {
            try HostPages.makeMemory([(0, 16), (15, 16)])
        }
        #expect(throws: GuestMemoryLayoutError.overlapOrDisorder(GuestAddress(64), GuestAddress(0))) {
            try HostPages.makeMemory([(64, 16), (0, 16)])
        }
    }

    @Test("the owner of the mapping lives exactly as long as the memory")
    func keepsItsOwner() throws {
        let releases = Counter()
        var memory: GuestMemory? = try HostPages.makeMemory([(0, 16)]) { releases.increment() }
        #expect(try memory?.load(UInt8.self, at: GuestAddress(0)) == 0)
        #expect(releases.count == 0)
        memory = nil
        #expect(releases.count == 1)
    }

    @Test("errors say in words what was refused")
    func describesErrors() {
        #expect(
            GuestMemoryError.outOfBounds(address: GuestAddress(0x1000), count: 4).description
                == "guest memory does not hold 4 bytes at 0x1000 in one region")
        #expect(
            GuestMemoryLayoutError.wraps(GuestAddress(0xFFF0), size: 17).description
                == "the memory region of 17 bytes at 0xfff0 reaches past the end of the address space")
    }

    private final class Counter: Sendable {
        private let value = Atomic(0)
        var count: Int { value.load(ordering: .relaxed) }
        func increment() { value.add(1, ordering: .relaxed) }
    }
}
