import DeviceModel
import Synchronization
import TestSupport
import Testing
import VirtioDriver

@Suite("Guest memory that is shared")
struct SharedGuestMemoryTests {
    private func makeMemory() throws -> GuestMemory {
        try HostPages.makeMemory([(0, 4096), (0x10_0000, 4096)])
    }

    @Test("words are stored and loaded with the lowest byte first")
    func words() throws {
        let memory = try makeMemory()
        try memory.storeReleasing(0x1234, at: GuestAddress(0x102))
        #expect(try memory.load(UInt64.self, at: GuestAddress(0x100)) == 0x1234_0000)
        try memory.store(UInt32(0xAABB_CCDD), at: GuestAddress(0x10_0FFC))
        #expect(try memory.loadAcquiring(at: GuestAddress(0x10_0FFE)) == 0xAABB)
    }

    @Test("words at odd addresses, or not wholly in one region, are refused and nothing is written")
    func refusesWords() throws {
        let memory = try makeMemory()
        for (address, error) in [
            (0x101, .misaligned(address: GuestAddress(0x101), alignment: 2)),
            (0xFFF, .outOfBounds(address: GuestAddress(0xFFF), count: 2)),
            (0x1000, .outOfBounds(address: GuestAddress(0x1000), count: 2)),
            (.max, .outOfBounds(address: GuestAddress(.max), count: 2)),
            (0xF_FFFF, .outOfBounds(address: GuestAddress(0xF_FFFF), count: 2)),
        ] as [(UInt64, GuestMemoryError)] {
            #expect(throws: error) { try memory.loadAcquiring(at: GuestAddress(address)) }
            #expect(throws: error) { try memory.storeReleasing(.max, at: GuestAddress(address)) }
        }
        #expect(try memory.load(UInt32.self, at: GuestAddress(0x100)) == 0)
        #expect(try memory.load(UInt8.self, at: GuestAddress(0xFFF)) == 0)
    }

    @Test("16 bytes are read at any alignment")
    func pairs() throws {
        let memory = try makeMemory()
        let bytes = (0..<64).map { UInt8($0 * 3 + 1) }
        try memory.write(bytes.span, at: GuestAddress(0x100))
        for offset in 0..<48 {
            let (low, high) = try memory.loadPairOnce(at: GuestAddress(0x100 + UInt64(offset)))
            let words = [low, high].flatMap { word in
                (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
            }
            #expect(words == Array(bytes[offset..<(offset + 16)]))
        }
        #expect(try memory.loadPairOnce(at: GuestAddress(0x10_0FF0)) == (0, 0))
        for address in [0xFF1, 0xFFF, 0x1000, 0xF_FFF8, 0x10_0FF1, .max - 15, .max] as [UInt64] {
            #expect(throws: GuestMemoryError.outOfBounds(address: GuestAddress(address), count: 16)) {
                try memory.loadPairOnce(at: GuestAddress(address))
            }
        }
    }

    @Test("what was written before a word is there for who reads the word")
    func ordersWrites() throws {
        let memory = try makeMemory()
        let (data, index) = (GuestAddress(0x200), GuestAddress(0x400))
        let count = UInt16(TestScale.count(20_000))
        let writer = HostThread {
            for value in 1...count {
                try? memory.store(UInt64(value), at: data)
                try? memory.storeReleasing(value, at: index)
            }
        }
        var seen: UInt16 = 0
        while seen < count {
            seen = try memory.loadAcquiring(at: index)
            guard try memory.load(UInt64.self, at: data) >= UInt64(seen) else {
                Issue.record("the index \(seen) was seen before its data")
                break
            }
        }
        writer.join()
    }

    @Test("lent buffers are those of the segments, and none is lent where one does not lie in memory")
    func lendsBuffers() throws {
        let memory = try makeMemory()
        try memory.store(UInt64(0x0807_0605_0403_0201), at: GuestAddress(0x10_0000))
        let segments = [(0x10_0002, 2), (0x10_0007, 1), (0x1000, 0)].map {
            GuestSegment(address: GuestAddress($0), count: $1)
        }
        // SAFETY: the buffers do not leave the closures.
        let bytes = try unsafe memory.withBuffersToRead(segments[...]) { buffers in
            buffers.indices.map { unsafe Array(buffers[$0]) }
        }
        #expect(bytes == [[3, 4], [8], []])
        let none = try unsafe memory.withBuffersToWrite([]) { $0.count }
        #expect(none == 0)
        var isCalled = false
        for bad in [(0xFFF, 2), (0xF_FFFF, 1), (.max, .max), (0x1001, 0)] as [(UInt64, UInt32)] {
            let all = segments + [GuestSegment(address: GuestAddress(bad.0), count: bad.1)]
            #expect(throws: GuestMemoryError.outOfBounds(address: GuestAddress(bad.0), count: UInt64(bad.1))) {
                try unsafe memory.withBuffersToWrite(all[...]) { _ in isCalled = true }
            }
        }
        #expect(!isCalled)
    }
}
