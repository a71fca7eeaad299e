import Testing

@testable import VMM

@Suite("ELF notes")
struct ELFNoteTests {
    private static func note(_ name: [UInt8], _ type: UInt32, _ content: [UInt8]) -> [UInt8] {
        func padded(_ bytes: [UInt8]) -> [UInt8] { bytes + [UInt8](repeating: 0, count: -bytes.count & 3) }
        return LoaderSeed.words([UInt32(name.count), UInt32(content.count), type]) + padded(name) + padded(content)
    }

    @Test("each is read with its name, its type and its content, whatever their sizes")
    func several() {
        let bytes =
            Self.note(Array("Xen\0".utf8), 18, [1, 2, 3, 4]) + Self.note([], 0, [])
            + Self.note(Array("Linux\0".utf8), 257, [9])
        let notes = ELFNote.parse(bytes[...])
        #expect(notes.map(\.name) == ["Xen", "", "Linux"])
        #expect(notes.map(\.type) == [18, 0, 257])
        #expect(notes.map(\.content) == [[1, 2, 3, 4], [], [9]])
        // The last one's padding may be missing, as some linkers leave it out; nothing else.
        #expect(ELFNote.parse(bytes.dropLast(3)).count == 3)
        #expect(ELFNote.parse(bytes.dropLast(4)).count == 2)
    }

    @Test("sizes that are beyond the end, and too many notes, end the reading")
    func limits() {
        for words in [[UInt32.max, 0, 1], [0, .max, 1], [.max, .max, 1], [0x7FFF_FFFF, 0x7FFF_FFFF, 1], [1, 0, 1]] {
            #expect(ELFNote.parse(LoaderSeed.words(words)[...]) == [])
        }
        #expect(ELFNote.parse([]) == [])
        #expect(ELFNote.parse([UInt8](repeating: 0, count: 12 * 1000)[...]).count == 256)
    }

    @Test("an entry for PVH has 32 or 64 bits, and belongs to Xen alone")
    func pvhEntry() throws {
        func entry(_ name: String, _ type: UInt32, _ content: [UInt8]) throws -> UInt64? {
            var builder = ELFBuilder()
            builder.segments.append(
                ELFBuilder.Segment(type: 4, content: Self.note(Array(name.utf8) + [0], type, content)))
            return ELFImage(reading: try ImageReader(.bytes(builder.bytes))).pvhEntry
        }
        #expect(try entry("Xen", 18, [1, 2, 3, 4]) == 0x0403_0201)
        #expect(try entry("Xen", 18, [1, 2, 3, 4, 0, 0, 0, 8]) == 0x0800_0000_0403_0201)
        #expect(try entry("Xen", 18, [1, 2, 3]) == nil)
        #expect(try entry("Xen", 17, [1, 2, 3, 4]) == nil)
        #expect(try entry("Linux", 18, [1, 2, 3, 4]) == nil)
    }
}
