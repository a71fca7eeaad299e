import DeviceModel
import LinuxHost
import TestSupport
import Testing

@testable import VMM

@Suite("Bytes of guest memory on their way")
struct GuestBytesTests {
    /// Memory whose bytes tell where they are, and segments of it with what they hold.
    private static func make(
        _ random: inout SplitMix64, segments count: Int, longest: UInt32
    ) throws -> (memory: GuestMemory, segments: [GuestSegment], content: [UInt8]) {
        let memory = try GuestRAM.make(1 << 20).memory
        let all = (0..<1 << 20).map { _ in UInt8.random(in: 0...255, using: &random) }
        try memory.write(all.span, at: GuestAddress(0))
        let segments = (0..<count).map { _ in
            let length = UInt32.random(in: 1...longest, using: &random)
            let start = UInt64.random(in: 0...1 << 20 - UInt64(length), using: &random)
            return GuestSegment(address: GuestAddress(start), count: length)
        }
        let content = segments.flatMap { all[Int($0.address.rawValue)..<Int($0.address.rawValue) + Int($0.count)] }
        return (memory, segments, content)
    }

    @Test(
        "whatever pieces they are in, and whatever part a call takes, all go out in order",
        arguments: [(1, 200_000), (10, 30_000), (3_000, 3), (2_000, 100)], [1, 2] as [UInt64])
    func writes(shape: (count: Int, longest: UInt32), seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (memory, segments, content) = try Self.make(&random, segments: shape.count, longest: shape.longest)
        var bytes = GuestBytes(memory: memory)
        // In several chains.
        var rest = segments[...]
        while !rest.isEmpty {
            let part = rest.prefix(Int.random(in: 1...5, using: &random))
            bytes.append(part)
            rest = rest.dropFirst(part.count)
        }
        #expect(bytes.count == UInt64(content.count))
        let pipe = HostPipe()
        let stream = Stream(pipe.writeEnd.number, for: .writing)
        var received: [UInt8] = []
        while bytes.count > 0 {
            let written = bytes.write(to: stream)
            #expect((1...65_536).contains(written))
            // As if the call had taken less.
            let taken = Int.random(in: 1...written, using: &random)
            received += pipe.readAll(upTo: written).prefix(taken)
            bytes.removeFirst(taken)
        }
        #expect(received == content)
        bytes.removeFirst(1)
        #expect(bytes.count == 0)
        #expect(bytes.write(to: stream) == 0)
    }

    @Test(
        "what is read fills them from the first one on, and no byte beside them",
        arguments: 1...4 as ClosedRange<UInt64>)
    func reads(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let memory = try GuestRAM.make(1 << 20).memory
        // Apart from each other, with a byte between.
        let lengths = (0..<50).map { _ in UInt32.random(in: 1...300, using: &random) }
        var segments: [GuestSegment] = []
        var next: UInt64 = 0x1000
        for length in lengths {
            segments.append(GuestSegment(address: GuestAddress(next), count: length))
            next += UInt64(length) + 1
        }
        var bytes = GuestBytes(memory: memory)
        bytes.append(segments[...])
        let content = (0..<Int(bytes.count)).map { _ in UInt8.random(in: 1...255, using: &random) }
        let pipe = HostPipe()
        let stream = Stream(pipe.readEnd.number, for: .reading)
        var rest = content[...]
        while !rest.isEmpty {
            let part = rest.prefix(Int.random(in: 1...500, using: &random))
            if Bool.random(using: &random) {
                pipe.write(Array(part))
                #expect(bytes.read(from: stream) == part.count)
            } else {
                #expect(bytes.fill(from: part) == part.count)
            }
            bytes.removeFirst(part.count)
            rest = rest.dropFirst(part.count)
        }
        #expect(bytes.count == 0)
        var expected = content[...]
        for segment in segments {
            let part = expected.prefix(Int(segment.count))
            #expect(memory.load(part.count + 1, at: segment.address.rawValue) == Array(part) + [0])
            expected = expected.dropFirst(part.count)
        }
    }

    @Test("parts are handed on up to a limit")
    func parts() throws {
        var random = SplitMix64(seed: 1)
        let (memory, segments, content) = try Self.make(&random, segments: 20, longest: 100)
        var bytes = GuestBytes(memory: memory)
        bytes.append(segments[...])
        bytes.removeFirst(7)
        for limit in [0, 1, 150, content.count] {
            var seen: [UInt8] = []
            bytes.forEachPart(upTo: limit) { part in
                for offset in 0..<part.byteCount {
                    seen.append(unsafe part.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
                }
            }
            #expect(seen == Array(content.dropFirst(7).prefix(limit)))
        }
    }
}
