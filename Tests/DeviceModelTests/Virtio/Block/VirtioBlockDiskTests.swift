import Testing
import VirtioDriver

@testable import DeviceModel

@Suite("Which requests a virtio block device refuses, and what it says of itself")
struct VirtioBlockDiskTests {
    /// Asks for something with so many bytes of data.
    private static func request(_ type: UInt32, sector: UInt64 = 0, bytes: UInt32 = 0) throws -> VirtioBlockRequest {
        let memory = try HostPages.makeMemory([(0, 4096)])
        try memory.store(type, at: GuestAddress(0))
        try memory.store(sector, at: GuestAddress(8))
        let isWrite = type == 1
        return try VirtioBlockRequest(
            DescriptorChain(
                readable: [GuestSegment(address: GuestAddress(0), count: isWrite ? 16 + bytes : 16)],
                writable: [GuestSegment(address: GuestAddress(1024), count: isWrite ? 1 : bytes + 1)]),
            in: memory)
    }

    private static func answer(
        _ type: UInt32, sector: UInt64 = 0, bytes: UInt32 = 0, capacity: UInt64 = 8, isReadOnly: Bool = false
    ) throws -> VirtioBlockStatus? {
        try VirtioBlockDisk(capacity: capacity, isReadOnly: isReadOnly)
            .refusal(of: request(type, sector: sector, bytes: bytes))
    }

    @Test("a read and a write are of whole sectors", arguments: [0, 1] as [UInt32])
    func wholeSectors(type: UInt32) throws {
        for bytes in 0...1100 as ClosedRange<UInt32> {
            #expect(try Self.answer(type, bytes: bytes) == (bytes % 512 == 0 ? nil : .ioError))
        }
    }

    @Test("no read and no write reaches past the capacity, however large the numbers", arguments: [0, 1] as [UInt32])
    func capacity(type: UInt32) throws {
        let capacities: [UInt64] = [0, 1, 2, 7, 8, 1 << 54, 1 << 55, .max - 1, .max]
        for capacity in capacities {
            let sectors = [0, 1, 2, capacity &- 2, capacity &- 1, capacity, capacity &+ 1, 1 << 55, .max - 1, .max]
            for sector in sectors {
                for bytes in [0, 512, 1024, 4096, 0xFFFF_FC00] as [UInt32] {
                    let isInside = UInt128(sector) + UInt128(bytes / 512) <= UInt128(capacity)
                    let answer = try Self.answer(type, sector: sector, bytes: bytes, capacity: capacity)
                    #expect(answer == (isInside ? nil : .ioError), "\(bytes) bytes at \(sector) of \(capacity)")
                }
            }
        }
    }

    @Test("a disk that is read-only refuses writes, also those without data, and nothing else")
    func readOnly() throws {
        for bytes in [0, 512, 4096] as [UInt32] {
            #expect(try Self.answer(1, bytes: bytes, isReadOnly: true) == .ioError)
            #expect(try Self.answer(1, bytes: bytes) == nil)
            #expect(try Self.answer(0, bytes: bytes, isReadOnly: true) == nil)
        }
        #expect(try Self.answer(4, isReadOnly: true) == nil)
        #expect(try Self.answer(8, bytes: 20, isReadOnly: true) == nil)
        #expect(try Self.answer(11, isReadOnly: true) == .unsupported)
    }

    @Test("a flush is done with any sector and any data")
    func flush() throws {
        for sector in [0, 1, 8, 9, .max] as [UInt64] {
            for bytes in [0, 1, 512] as [UInt32] { #expect(try Self.answer(4, sector: sector, bytes: bytes) == nil) }
        }
    }

    @Test("an identifier needs room for 20 bytes, and no sector")
    func identifierRoom() throws {
        for bytes in 0...64 as ClosedRange<UInt32> {
            #expect(try Self.answer(8, sector: .max, bytes: bytes) == (bytes < 20 ? .ioError : nil))
        }
    }

    @Test("what was not offered is unsupported, whatever its sector and data")
    func unsupported() throws {
        for type in [2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 16, 26, 0x8000_0000, 0x8000_0001, .max] as [UInt32] {
            for sector in [0, .max] as [UInt64] {
                #expect(try Self.answer(type, sector: sector, bytes: 512) == .unsupported)
                #expect(try Self.answer(type, sector: sector, bytes: 1, capacity: 0) == .unsupported)
            }
        }
    }

    @Test("a status has the number that the specification says")
    func statuses() {
        #expect(VirtioBlockStatus.allCases.map(\.rawValue) == [0, 1, 2])
        #expect([VirtioBlockStatus.done, .ioError, .unsupported].map(\.rawValue) == [0, 1, 2])
    }

    @Test("the bytes that were written are counted up to the first gap, and the status behind the data is one of them")
    func written() throws {
        let read = try Self.request(0, bytes: 1024)
        let counts: [(UInt64, UInt32)] = [
            (0, 0), (1, 1), (512, 512), (1023, 1023), (1024, 1025), (1025, 1025), (.max, 1025),
        ]
        for (data, count) in counts { #expect(read.writtenCount(dataBytes: data) == count) }
        // Here the status is all there is to write.
        for type in [1, 4, 13] as [UInt32] {
            #expect(try Self.request(type).writtenCount(dataBytes: 0) == 1)
        }
        #expect(try Self.request(0, bytes: 0).writtenCount(dataBytes: 0) == 1)
        // A flush with room for data leaves that as it is.
        #expect(try Self.request(4, bytes: 512).writtenCount(dataBytes: 0) == 0)
        #expect(try Self.request(8, bytes: 20).writtenCount(dataBytes: 20) == 21)
        #expect(try Self.request(8, bytes: 30).writtenCount(dataBytes: 20) == 20)
        #expect(try Self.request(0, bytes: .max - 1).writtenCount(dataBytes: .max) == .max)
    }

    @Test("an identifier has 20 bytes, with zeros behind a short text and no end behind a long one")
    func identifier() {
        let texts = ["", "a", "nineteen characters", "twenty characters...", "more than twenty characters"]
        let identifiers = texts.map {
            VirtioBlockDisk(capacity: 0, isReadOnly: false, identifier: Array($0.utf8)).identifier
        }
        #expect(identifiers.allSatisfy { $0.count == 20 })
        #expect(identifiers[0] == [UInt8](repeating: 0, count: 20))
        #expect(identifiers[1] == [0x61] + [UInt8](repeating: 0, count: 19))
        #expect(identifiers[2] == Array("nineteen characters\0".utf8))
        #expect(identifiers[3] == Array("twenty characters...".utf8))
        #expect(identifiers[4] == Array("more than twenty cha".utf8))
    }

    @Test("an identifier goes to the data, over each division of it, and no byte beside it changes")
    func fill() throws {
        let bytes = [UInt8](1...20)
        for first in 0...21 as ClosedRange<UInt32> {
            for second in 0...(25 - first) {
                let memory = try HostPages.makeMemory([(0, 4096)])
                try memory.store(UInt32(8), at: GuestAddress(0))
                let counts = [(first, 0x100), (second, 0x80), (26 - first - second, 0x200)] as [(UInt32, UInt64)]
                let segments = counts.filter { $0.0 > 0 }.map { GuestSegment(address: GuestAddress($0.1), count: $0.0) }
                let chain = DescriptorChain(
                    readable: [GuestSegment(address: GuestAddress(0), count: 16)], writable: segments)
                let request = try VirtioBlockRequest(chain, in: memory)
                #expect(try request.fill(with: bytes, in: memory) == 20)
                var line: [UInt8] = []
                for segment in segments {
                    for offset in 0...UInt64(segment.count) {
                        let byte = try memory.load(UInt8.self, at: GuestAddress(segment.address.rawValue + offset))
                        // The one behind the buffer is none of its own.
                        if offset < segment.count { line.append(byte) } else { #expect(byte == 0) }
                    }
                }
                #expect(line == bytes + [0, 0, 0, 0, 0, 0])
                #expect(request.writtenCount(dataBytes: 20) == 20)
            }
        }
        let memory = try HostPages.makeMemory([(0, 4096)])
        #expect(try Self.request(8, bytes: 7).fill(with: bytes, in: memory) == 7)
        #expect(try Self.request(4, bytes: 20).fill(with: bytes, in: memory) == 0)
        #expect(throws: GuestMemoryError.self) {
            try Self.request(8, bytes: 4000).fill(with: [UInt8](repeating: 1, count: 4000), in: memory)
        }
    }

    @Test("the configuration space has the capacity, the limit of buffers and the block size, each at its place")
    func configuration() {
        let disk = VirtioBlockDisk(capacity: 0x0807_0605_0403_0201, isReadOnly: false)
        let bytes = disk.configuration(maximumSegments: 0x1413_1211, blockSize: 0x2423_2221)
        #expect(
            bytes == [
                1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0x11, 0x12, 0x13, 0x14, 0, 0, 0, 0, 0x21, 0x22, 0x23, 0x24,
            ])
        let space = VirtioConfiguration(bytes: bytes)
        #expect(space.read(offset: 0, width: 8) == disk.capacity)
        #expect(space.read(offset: 12, width: 4) == 0x1413_1211 && space.read(offset: 20, width: 4) == 0x2423_2221)
        #expect(space.read(offset: 24, width: 8) == 0)
    }

    @Test("a disk offers flushes, and says that it is read-only if it is; all that it offers may be")
    func features() {
        let bits = [false, true].map { VirtioBlockDisk(capacity: 1, isReadOnly: $0).features.rawValue }
        #expect(bits == [0b10_0100_0100, 0b10_0110_0100])
        #expect(bits.allSatisfy { VirtioFeatures.ofDevice.contains(VirtioFeatures(rawValue: $0)) })
    }

    @Test("a place on the disk in bytes is that of its sector")
    func byteOffset() throws {
        for sector in [0, 1, 7, 1 << 54, (1 << 55) - 1] as [UInt64] {
            #expect(try Self.request(0, sector: sector).byteOffset == sector * 512)
        }
        #expect(VirtioBlockDisk.sectorSize == 512)
    }
}
