import TestSupport
import Testing

@testable import Comparison

@Suite("The payload of compare console")
struct PayloadTests {
    /// The bytes of the stream from a position on, each by the formula of the guest's documentation.
    private static func stream(_ count: Int) -> [UInt8] {
        var state: UInt32 = 1
        let period = (0..<65_521).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
        return (0..<count).map { period[$0 % 65_521] }
    }

    private static let stream = stream(300_000)

    /// What a check finds in a stream that arrives in pieces.
    private func check(_ stream: [UInt8], pieces: Int = 4096) -> PayloadCheck {
        var check = PayloadCheck(reach: pieces)
        var rest = stream[...]
        while !rest.isEmpty {
            check.add(Array(rest.prefix(pieces)).span)
            rest = rest.dropFirst(pieces)
        }
        return check
    }

    @Test("the pattern is one period and as much more as is asked for")
    func pattern() {
        for reach in [1, 65_536, 262_144] {
            let pattern = ConsolePayload.pattern(reach: reach)
            #expect(pattern.count >= 65_521 + reach)
            #expect(pattern[..<(65_521 + min(reach, 200_000))] == Self.stream[..<(65_521 + min(reach, 200_000))])
        }
    }

    @Test("the right stream passes in pieces of any size", arguments: [1, 7, 4096, 65_521, 65_536, 262_144])
    func right(pieces: Int) {
        let check = check(Self.stream, pieces: pieces)
        #expect(check.fault == nil)
        #expect(check.byteCount == 300_000)
    }

    @Test("one wrong byte is found, wherever it is", arguments: [0, 1, 4095, 4096, 65_520, 65_521, 131_072, 299_999])
    func wrongByte(position: Int) {
        var stream = Self.stream
        stream[position] ^= 0x40
        let check = check(stream)
        #expect(check.fault?.position == UInt64(position))
        #expect(check.fault?.expected == Self.stream[position])
        #expect(check.fault?.found == Array(stream[position...].prefix(120)))
        #expect(check.byteCount == 300_000)
    }

    @Test("what came instead is kept as far as a message shows it, in pieces of any size", arguments: [1, 3, 50, 4096])
    func complaint(pieces: Int) {
        var stream = Array(Self.stream[..<200]) + Array("no such device\n".utf8)
        #expect(check(stream, pieces: pieces).fault?.found.starts(with: "no such device\n".utf8) == true)
        #expect(check(stream, pieces: pieces).fault?.isWhole == true)
        stream.removeLast()
        #expect(check(stream, pieces: pieces).fault?.isWhole == false)
        stream += [UInt8](repeating: 0x20, count: 1000)
        #expect(check(stream, pieces: pieces).fault?.found.count == 120)
        #expect(check(stream, pieces: pieces).fault?.isWhole == true)
    }

    @Test("a lost, a doubled and swapped buffers are found", arguments: [1, 16, 64, 4096, 16_384, 65_536])
    func buffers(size: Int) {
        let stream = Self.stream
        let parts: [[UInt8]] = (0..<3).map { Array(stream[($0 * size)..<(($0 + 1) * size)]) }
        let rest = Array(stream[(3 * size)...])
        for (name, order) in [("lost", [0, 2]), ("doubled", [0, 1, 1, 2]), ("swapped", [0, 2, 1])] {
            let spoiled: [UInt8] = order.flatMap { parts[$0] } + rest
            #expect(check(spoiled).fault != nil, "\(name)")
        }
    }

    @Test("a plain process writes the same stream, with buffers of any size", arguments: [1, 64, 4096, 65_536])
    func plainProcess(buffer: Int) async throws {
        let outcome = try await Scratch().swiftvmm(
            "compare", "write-payload", "--bytes", "140000", "--buffer", "\(buffer)")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.output == Self.stream(140_000))
    }
}
