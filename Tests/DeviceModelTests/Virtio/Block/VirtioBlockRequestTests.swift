import Testing
import VirtioDriver

@testable import DeviceModel

@Suite("How a request to a virtio block device is decoded")
struct VirtioBlockRequestTests {
    private static let someTypes: [UInt32] = [0, 1, 4, 8, 13]

    /// A queue of 8 entries, with a buffer for each that lies neither in the order of the chain nor at an even address.
    private struct Bench {
        let memory: GuestMemory
        let driver: MockDriver
        private(set) var count = 0

        init() throws {
            memory = try HostPages.makeMemory([(0x1000, 0x10000)])
            driver = try MockDriver(memory: memory, size: 8, base: 0x1000)
        }

        private func address(_ index: Int) -> UInt64 { 0x2003 + UInt64((index * 3 + 1) % 8) * 0x1005 }

        /// Offers buffers of so many bytes and takes the chain; the readable ones begin with `header`.
        func take(_ header: [UInt8], readable: [Int], writable: [Int]) throws -> (DescriptorChain, [UInt64], [UInt64]) {
            let counts = readable + writable
            var (rest, read, written): (ArraySlice<UInt8>, [UInt64], [UInt64]) = (header[...], [], [])
            for (index, count) in counts.enumerated() {
                let places = (0..<count).map { address(index) + UInt64($0) }
                let isReadable = index < readable.count
                if isReadable { read += places } else { written += places }
                if isReadable {
                    let part = rest.prefix(count)
                    try memory.write(part.span, at: GuestAddress(address(index)))
                    // Nothing behind a buffer is of the header.
                    try memory.store(UInt8(0xEE), at: GuestAddress(address(index) + UInt64(part.count)))
                    rest = rest.dropFirst(count)
                }
                let flags =
                    (isReadable ? 0 : MockDescriptor.write) | (index + 1 < counts.count ? MockDescriptor.next : 0)
                let next = UInt16(index + 1)
                try driver.set(
                    UInt16(index),
                    MockDescriptor(address: address(index), count: UInt32(count), flags: flags, next: next))
            }
            try driver.setAvailableIndex(1)
            var queue = try driver.makeQueue()
            var chain = DescriptorChain()
            #expect(try queue.nextChain(into: &chain))
            return (chain, read, written)
        }

        /// - Returns: what is not as the flat bytes say, or nil.
        mutating func check(_ type: UInt32, readable: [Int], writable: [Int]) throws -> String? {
            count += 1
            let sector: UInt64 = 0x8877_6655_4433_2211
            var header: [UInt8] = []
            header.appendLittleEndian(type)
            header.appendLittleEndian(UInt32(0xFFFF_FFFF))
            header.appendLittleEndian(sector)
            let (chain, read, written) = try take(header, readable: readable, writable: writable)
            do throws(VirtioBlockRequestError) {
                let request = try VirtioBlockRequest(chain, in: memory)
                let data: ArraySlice<UInt64> =
                    switch type {
                    case 0, 8: written.dropLast()
                    case 1: read.dropFirst(16)
                    default: []
                    }
                let seen = request.data.flatMap { segment in
                    (0..<segment.count).map { segment.address.rawValue + UInt64($0) }
                }
                guard read.count >= 16, !written.isEmpty else { return "is taken" }
                guard request.operation.type == type, request.sector == sector else { return "has another header" }
                guard seen == Array(data), !request.data.contains(where: { $0.count == 0 }) else { return "\(seen)" }
                guard request.dataByteCount == data.count else { return "counts \(request.dataByteCount)" }
                return request.statusAddress.rawValue == written.last ? nil : "status at \(request.statusAddress)"
            } catch {
                let expected: VirtioBlockRequestError? =
                    read.count < 16
                    ? .header(head: 0, byteCount: UInt64(read.count)) : written.isEmpty ? .noStatus(head: 0) : nil
                return error == expected ? nil : "\(error)"
            }
        }
    }

    /// All ways to divide so many bytes among so many buffers, of which some may have none.
    private static func framings(_ count: Int, into parts: Int) -> [[Int]] {
        guard parts > 1 else { return parts == 1 ? [[count]] : count == 0 ? [[]] : [] }
        return (0...count).flatMap { first in framings(count - first, into: parts - 1).map { [first] + $0 } }
    }

    @Test(
        "each division of header, data and status among up to 4 descriptors gives the same request",
        arguments: someTypes)
    func everyFraming(type: UInt32) throws {
        var bench = try Bench()
        for (read, written) in [(16, 1), (16, 2), (16, 21), (17, 1), (21, 3), (15, 1), (0, 4), (18, 0), (3, 0)] {
            for total in 1...4 {
                for parts in 0...total {
                    for readable in Self.framings(read, into: parts) {
                        for writable in Self.framings(written, into: total - parts) {
                            let fault = try bench.check(type, readable: readable, writable: writable)
                            #expect(fault == nil, "type \(type), \(readable) to read, \(writable) to write")
                        }
                    }
                }
            }
        }
        #expect(bench.count > 3_000)
    }

    @Test("sectors beside header and status in the same descriptors are found", arguments: someTypes)
    func sectors(type: UInt32) throws {
        var bench = try Bench()
        for edge in [0, 1, 15, 16, 17, 511, 512, 513, 527, 528] {
            for other in [0, 1, 16, 512] where edge + other <= 528 {
                let readable = [edge, other, 528 - edge - other]
                #expect(try bench.check(type, readable: readable, writable: [1]) == nil)
                #expect(try bench.check(type, readable: readable, writable: [1, 512]) == nil)
                guard edge + other <= 513 else { continue }
                #expect(try bench.check(type, readable: [16], writable: [edge, other, 513 - edge - other]) == nil)
            }
        }
    }

    @Test("all of Linux's descriptors for data are kept as they are")
    func linuxFraming() throws {
        let bench = try Bench()
        let (write, _, _) = try bench.take(
            [1] + [UInt8](repeating: 0, count: 15), readable: [16, 512, 1024], writable: [1])
        #expect(try VirtioBlockRequest(write, in: bench.memory).data == write.readable.dropFirst())
        let (read, _, _) = try bench.take([UInt8](repeating: 0, count: 16), readable: [16], writable: [4096, 512, 1])
        #expect(try VirtioBlockRequest(read, in: bench.memory).data == read.writable.dropLast())
    }

    @Test("each type but four is unsupported, with its number, and its lowest byte is the first")
    func types() throws {
        #expect([0, 1, 4, 8].map { VirtioBlockOperation(type: $0) } == [.read, .write, .flush, .getID])
        let others = [2, 3, 5, 7, 9, 10, 11, 13, 14, 15, 16, 0x100, 0x8000_0000, 0x8000_0001, .max] as [UInt32]
        for type in others { #expect(VirtioBlockOperation(type: type) == .unsupported(type)) }
    }

    @Test("a request stays as it was decoded, whatever the driver writes then")
    func once() throws {
        let bench = try Bench()
        let (chain, read, _) = try bench.take(
            [1] + [UInt8](repeating: 0, count: 15), readable: [16, 512], writable: [1])
        let request = try VirtioBlockRequest(chain, in: bench.memory)
        try bench.memory.store(UInt64.max, at: GuestAddress(read[0]))
        try bench.memory.store(UInt64.max, at: GuestAddress(read[8]))
        #expect(request.operation == .write && request.sector == 0 && request.byteOffset == 0)
    }

    @Test("a header outside of RAM is an error, in whichever of its descriptors that is")
    func headerOutside() throws {
        let memory = try HostPages.makeMemory([(0x1000, 0x1000)])
        let status = [GuestSegment(address: GuestAddress(0x1F00), count: 1)]
        let outside: [[(UInt64, UInt32)]] = [
            [(0x3000, 16)], [(0x1FF1, 16)], [(0xFF8, 16)], [(0x1000, 8), (0x1FF9, 8)], [(0x3000, 1), (0x1000, 64)],
            [(0x1000, 15), (.max, 1)], [(.max, 15), (.max, 1)],
        ]
        for buffers in outside {
            let header = buffers.map { GuestSegment(address: GuestAddress($0.0), count: $0.1) }
            let chain = DescriptorChain(head: 7, readable: header, writable: status)
            let error = #expect(throws: VirtioBlockRequestError.self) { try VirtioBlockRequest(chain, in: memory) }
            guard case .headerNotInMemory(head: 7, _)? = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
    }

    @Test("an error says in words what is missing, and where the rule stands")
    func words() {
        let outside = GuestMemoryError.outOfBounds(address: GuestAddress(16), count: 16)
        let errors: [VirtioBlockRequestError] = [
            .header(head: 3, byteCount: 15), .noStatus(head: 4), .headerNotInMemory(head: 5, outside),
        ]
        #expect(
            errors.map(\.description) == [
                "the chain at 3 has 15 bytes to read, and a block request begins with 16 (VIRTIO 1.2 §5.2.6)",
                "the chain at 4 has no byte to write, where a block request has its status (VIRTIO 1.2 §5.2.6)",
                "the header of the block request at 5 cannot be read: \(outside)",
            ])
    }
}
