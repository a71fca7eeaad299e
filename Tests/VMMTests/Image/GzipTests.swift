import LinuxHost
import TestSupport
import Testing

@testable import VMM

@Suite("Images that gzip packed")
struct GzipTests {
    private static let content = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 3) }

    private static func unpack(
        _ file: [UInt8], limit: UInt64 = 1 << 20, piece: Int = 256 << 10
    ) throws(ImageError) -> (content: [UInt8], ignored: UInt64) {
        let found = try Gzip.unpack(try ImageReader(.bytes(file)), ImageLimits(memorySize: limit), piece: piece)
        let bytes = unsafe Array(found.memory.bytes.prefix(Int(found.size)))
        return (bytes, found.ignored)
    }

    private static func error(_ file: [UInt8], limit: UInt64 = 1 << 20) -> ImageError? {
        do throws(ImageError) {
            _ = try unpack(file, limit: limit)
            return nil
        } catch {
            return error
        }
    }

    @Test("one member or several, with names and without, in pieces of any size, give what was packed")
    func members() throws {
        let (first, second) = (Self.content.prefix(600), Self.content.dropFirst(600))
        let files = [
            GzipMember.stored(Self.content), GzipMember.stored(Self.content, name: "guest.bin"),
            GzipMember.stored(Array(first)) + GzipMember.stored(Array(second), name: "second"),
            GzipMember.stored([]) + GzipMember.stored(Self.content) + GzipMember.stored([]),
        ]
        for file in files {
            for piece in [1, 2, 3, 17, 1000, file.count] {
                let (content, ignored) = try Self.unpack(file, piece: piece)
                #expect(content == Self.content && ignored == 0, "pieces of \(piece)")
            }
        }
    }

    @Test(
        "what is behind the last member and no member is left alone",
        arguments: [[0], [0x1F], [0x8B, 0x1F], [0x1F, 0x8C, 8], [UInt8](repeating: 0, count: 600)] as [[UInt8]])
    func behind(rest: [UInt8]) throws {
        let (content, ignored) = try Self.unpack(GzipMember.stored(Self.content) + rest)
        #expect(content == Self.content)
        #expect(ignored == UInt64(rest.count))
    }

    @Test("a file that ends early is told so, wherever it ends")
    func truncated() {
        let file = GzipMember.stored(Self.content, name: "guest")
        for count in 2..<file.count {
            #expect(Self.error(Array(file.prefix(count))) == .truncated("gzip data"), "\(count) bytes")
        }
        #expect(Self.error(file + [0x1F, 0x8B]) == .truncated("gzip data"))
    }

    @Test("no spoiled bit passes for content")
    func spoiled() {
        let file = GzipMember.stored(Self.content)
        for index in 2..<file.count {
            for bit in 0..<8 {
                var bytes = file
                bytes[index] ^= 1 << bit
                guard let content = try? Self.unpack(bytes).content else { continue }
                #expect(content == Self.content, "bit \(bit) of byte \(index)")
            }
        }
        var bytes = file
        bytes[file.count - 5] ^= 1
        #expect(Self.error(bytes) == .brokenGzip("incorrect data check"))
        #expect(Self.error([0x1F, 0x8B, 7] + file.dropFirst(3)) == .brokenGzip("unknown compression method"))
    }

    @Test("random bytes behind the magic number end in words")
    func random() {
        var random = SplitMix64(seed: 1)
        for _ in 0..<5_000 {
            let header = Array(GzipMember.stored([]).prefix(Int.random(in: 2...10, using: &random)))
            let bytes = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let error = Self.error(header + bytes, limit: 4096)
            #expect(error.map { !$0.description.isEmpty } ?? true)
        }
    }

    @Test("as many bytes as the limit allows are unpacked, and not one more")
    func limit() throws {
        let file = GzipMember.stored(Self.content)
        #expect(try Self.unpack(file, limit: 1000).content == Self.content)
        #expect(Self.error(file, limit: 999) == .overLimit(999))
        #expect(Self.error(file + file, limit: 1999) == .overLimit(1999))
    }

    @Test("memory that the host cannot give is no fault of the image's")
    func noRoom() {
        let size: UInt64 = 1 << 62
        let words = "cannot map \(size + 8192) bytes of guest memory: Cannot allocate memory; use less"
        #expect(throws: VMMError.configuration(words)) {
            _ = try ImageReader.open(
                .bytes(GzipMember.stored([0xF4])), format: nil, ImageLimits(memorySize: size))
        }
    }

    @Test("a file of many small members is not read anew for each")
    func manyMembers() throws {
        let member = GzipMember.stored([1])
        let count = 20_000
        let file = [[UInt8]](repeating: member, count: count).flatMap(\.self)
        // Of this thread alone, so that it does not matter what else the machine does.
        func time(piece: Int) throws -> Int64 {
            let start = MonotonicClock.threadTime
            #expect(try Self.unpack(file, piece: piece).content == [UInt8](repeating: 1, count: count))
            return MonotonicClock.threadTime - start
        }
        // A hundred times as much in a piece took a hundred times as long.
        let (small, large) = (try time(piece: 2_400), try time(piece: 240_000))
        #expect(large < 5 * small, "\(small) and \(large) ns")
    }

    @Test("an image of any format is what was packed, for whoever looks at it and for the machine")
    func formats() throws {
        for bytes in [[0xF4, 1, 2], ELFBuilder().bytes] {
            let (plain, packed) = (ImageSource.bytes(bytes), ImageSource.bytes(GzipMember.stored(bytes)))
            let inspection = try ImageInspection(packed)
            #expect(try inspection.outcome.get() == ImageInspection(plain).outcome.get())
            #expect(inspection.size == UInt64(bytes.count))
            #expect(inspection.packing == ImagePacking(size: UInt64(bytes.count + 23), ignored: 0))
        }
        #expect(throws: VMMError.image(name: "the image of 23 bytes in memory", .empty)) {
            _ = try ImageInspection(.bytes(GzipMember.stored([])))
        }
    }

    @Test("an image that is said to be flat is taken as it is")
    func flat() throws {
        let packed = GzipMember.stored([0xF4])
        let inspection = try ImageInspection(.bytes(packed), format: .flat)
        #expect(inspection.size == UInt64(packed.count))
        #expect(inspection.packing == nil)
    }
}
