import TestSupport
import Testing
import VirtioDriver

@testable import DeviceModel

/// A driver that asks a block device for anything. The seed is the argument, so a failure can be repeated.
///
/// `scripts/fuzz fuzz-virtio-block` goes on where these end, with the address sanitizer around guest memory.
@Suite("A hostile driver of a block device")
struct HostileBlockDriverTests {
    private static let start: UInt64 = 0x1000
    private static let size = 64

    /// What came of all chains.
    private struct Tally {
        var (faults, refused, done, unsupported) = (0, 0, 0, 0)
    }

    /// Random chains over a small RAM that has the same content as `ram`.
    private struct Bench {
        let memory: GuestMemory
        var ram = [UInt8](repeating: 0, count: HostileBlockDriverTests.size)
        var tally = Tally()

        init() throws {
            memory = try HostPages.makeMemory([(HostileBlockDriverTests.start, HostileBlockDriverTests.size)])
        }

        func byte(_ address: UInt64) -> UInt8? {
            let (start, size) = (HostileBlockDriverTests.start, UInt64(HostileBlockDriverTests.size))
            return address >= start && address - start < size ? ram[Int(address - start)] : nil
        }

        /// Types and sectors where a header may be found, and a few bytes of anything.
        mutating func scribble(_ random: inout SplitMix64, capacity: UInt64) throws {
            let bits = random.next()
            let place = Int(bits & 3) * 16
            let types: [UInt32] = [0, 1, 4, 8, 0, 1, 0, 1, 8, 11, 13, 2, 0x8000_0001, 0x100, .max, UInt32(bits >> 32)]
            ram.storeLittleEndian(types[Int(bits >> 2 & 15)], at: place)
            let near = capacity &+ (bits >> 6 & 7) &- 5
            ram.storeLittleEndian(
                [near, bits >> 9 & 7, .max - (bits >> 9 & 7), random.next()][Int(bits >> 12 & 3)], at: place + 8)
            if bits >> 14 & 7 == 0 { ram.storeLittleEndian(random.next(), at: Int(bits >> 20 & 63)) }
            try memory.write(ram.span, at: GuestAddress(HostileBlockDriverTests.start))
        }

        /// Buffers whose bytes are mostly few, or such that sectors are whole.
        func buffers(_ random: inout SplitMix64, most: UInt64, lacking: UInt32) -> [GuestSegment] {
            var (segments, total): ([GuestSegment], UInt64) = ([], 0)
            // What is missing to whole sectors, beside the header or the status.
            let whole = 512 + UInt64(lacking)
            for _ in 0..<(random.next() % (most + 1)) {
                let bits = random.next()
                let counts: [UInt64] = [
                    16, 16, 1, 8, 15, 17, 512, 496, bits >> 32 & 31, bits >> 32 & 1023, bits >> 32, 0xFFFF_FFFF,
                    whole &- total % 512, whole &- total % 512, 20, 2,
                ]
                let count = UInt32(truncatingIfNeeded: max(1, counts[Int(bits & 15)] & 0xFFFF_FFFF))
                let place =
                    HostileBlockDriverTests.start + (bits >> 4 & 3) * 16 + (bits >> 6 & 7 == 0 ? bits >> 9 & 31 : 0)
                let address: UInt64 =
                    switch bits >> 14 & 31 {
                    case 0: .max - (bits >> 20 & 63)
                    case 1: bits >> 3
                    default: place
                    }
                // As a queue has it: no buffer wraps, and a chain has no more than 2³² bytes.
                guard address.addingReportingOverflow(UInt64(count)).overflow == false else { continue }
                guard total + UInt64(count) <= 1 << 31 else { continue }
                total += UInt64(count)
                segments.append(GuestSegment(address: GuestAddress(address), count: count))
            }
            return segments
        }

        /// - Returns: what differs from the specification, or nil.
        mutating func step(_ random: inout SplitMix64) throws -> String? {
            let bits = random.next()
            let capacities: [UInt64] = [0, 1, 8, 1 << 54, .max]
            let capacity = capacities[Int(bits % 5)]
            let disk = VirtioBlockDisk(capacity: capacity, isReadOnly: bits >> 8 & 3 == 0, identifier: [1, 2, 3])
            try scribble(&random, capacity: capacity)
            let readable = buffers(&random, most: 4, lacking: 16)
            let writable = buffers(&random, most: 4, lacking: 1)
            let chain = DescriptorChain(readable: readable, writable: writable)
            let expected: SpecificationBlockRequest
            do throws(SpecificationBlockRequest.Fault) {
                expected = try SpecificationBlockRequest(readable: readable, writable: writable, byte: byte)
            } catch {
                tally.faults += 1
                do throws(VirtioBlockRequestError) {
                    return "\(try VirtioBlockRequest(chain, in: memory)) is taken"
                } catch let seen {
                    return SpecificationBlockRequest.Fault(seen) == error ? nil : "\(seen), not \(error)"
                }
            }
            let request = try VirtioBlockRequest(chain, in: memory)
            guard request.operation.type == expected.type, request.sector == expected.sector,
                Array(request.data) == expected.data, request.dataByteCount == expected.count,
                request.statusAddress == expected.status
            else { return "\(request), not \(expected)" }
            let refusal = disk.refusal(of: request)
            guard refusal?.rawValue == expected.refusal(capacity: capacity, isReadOnly: disk.isReadOnly) else {
                return "\(String(describing: refusal)) to \(request)"
            }
            switch refusal {
            case nil: tally.done += 1
            case .unsupported: tally.unsupported += 1
            default: tally.refused += 1
            }
            for data in [0, 20, request.dataByteCount, bits >> 32, .max] {
                guard UInt128(request.writtenCount(dataBytes: data)) == expected.written(data: UInt128(data)) else {
                    return "\(request.writtenCount(dataBytes: data)) written of \(data)"
                }
            }
            if request.operation == .getID, let count = try? request.fill(with: disk.identifier, in: memory) {
                guard count == min(20, request.dataByteCount) else { return "\(count) bytes filled" }
                for index in ram.indices {
                    let address = GuestAddress(HostileBlockDriverTests.start + UInt64(index))
                    ram[index] = try memory.load(UInt8.self, at: address)
                }
            }
            return nil
        }
    }

    @Test(
        "a million random chains are taken, refused and counted as specified, and none makes the device trap",
        arguments: [0xB10C, 1, 2, 3] as [UInt64])
    func randomChains(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var bench = try Bench()
        for step in 0..<TestScale.count(250_000) {
            if let difference = try bench.step(&random) {
                Issue.record("seed \(seed), chain \(step): \(difference)")
                return
            }
        }
        let least = TestScale.count(10_000)
        let tally = bench.tally
        #expect(min(tally.faults, tally.refused, tally.done, tally.unsupported) > least, "\(tally)")
    }
}
