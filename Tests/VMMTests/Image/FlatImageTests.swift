import Testing

@testable import VMM

@Suite("Flat images")
struct FlatImageTests {
    @Test(
        "an image goes to its mode's place and is entered at its first byte",
        arguments: [
            (nil, .real, 0x7C00), (.real, .real, 0x7C00), (.protected, .protected, 0x10_0000),
            (.long, .long, 0x10_0000),
        ]
            as [(CPUMode?, CPUMode, UInt64)])
    func places(mode: CPUMode?, expected: CPUMode, address: UInt64) throws {
        let image = try LoadedImage(.bytes([1, 2, 3]), mode: mode)
        #expect(image.loaded.mode == expected)
        #expect(image.loaded.entry == address)
        #expect(image.memory.load(5, at: address - 1) == [0, 1, 2, 3, 0])
    }

    @Test(
        "an image may fill all RAM from its place on, and not one byte more",
        arguments: [(.real, 0x10_0000 - 0x7C00), (.protected, 0x10_0000), (.long, 0x10_0000)] as [(CPUMode, Int)])
    func room(mode: CPUMode, room: Int) throws {
        let size: UInt64 = mode == .real ? 1 << 20 : 2 << 20
        let image = [UInt8](repeating: 0xAB, count: room)
        let loaded = try LoadedImage(.bytes(image), mode: mode, memorySize: size)
        #expect(loaded.memory.load(1, at: size - 1) == [0xAB])
        #expect(
            LoadedImage.refusal(of: .bytes(image + [0]), mode: mode, memorySize: size)
                == .larger(size: UInt64(room) + 1, thanRoom: UInt64(room)))
    }

    @Test("where RAM ends at 1 MiB there is no room for what is loaded there")
    func noRoom() {
        #expect(
            LoadedImage.refusal(of: .bytes([0xF4]), mode: .long, memorySize: 1 << 20) == .larger(size: 1, thanRoom: 0))
    }

    @Test("an image is not spread over the hole below 4 GiB")
    func hole() {
        let file = TemporaryFile([0xF4])
        file.resize(to: 3 << 30)
        #expect(
            LoadedImage.refusal(of: .file(file.path), mode: .long, memorySize: 5 << 30)
                == .larger(size: 3 << 30, thanRoom: (3 << 30) - (1 << 20)))
    }

    @Test("an empty image is refused, whatever it is taken for", arguments: [nil, .flat, .elf] as [ImageFormat?])
    func empty(format: ImageFormat?) {
        #expect(LoadedImage.refusal(of: .bytes([]), format: format) == .empty)
    }

    @Test("an image that begins like an ELF file is one, unless it is said to be flat")
    func detection() throws {
        let bytes = ELFBuilder().bytes
        #expect(try LoadedImage(.bytes(bytes)).loaded.mode == .long)
        let flat = try LoadedImage(.bytes(bytes), format: .flat, mode: .protected)
        #expect(flat.loaded.mode == .protected)
        #expect(flat.loaded.entry == 0x10_0000)
        #expect(flat.memory.load(4, at: 0x10_0000) == [0x7F, 0x45, 0x4C, 0x46])
        // Three of the four bytes of the magic number are a program like any other.
        #expect(try LoadedImage(.bytes([0x7F, 0x45, 0x4C])).loaded.mode == .real)
        #expect(try LoadedImage(.bytes([0x7F, 0x45, 0x4C, 0x47])).loaded.mode == .real)
    }

    @Test("an image that is said to be ELF and is not is refused")
    func notELF() {
        #expect(LoadedImage.refusal(of: .bytes([0xF4]), format: .elf) == .elf(.noMagicNumber))
        #expect(LoadedImage.refusal(of: .bytes([0x7F, 0x45, 0x4C, 0x46]), format: .elf) == .truncated("ELF header"))
        var bytes = ELFBuilder().bytes
        bytes[0] = 0x7E
        #expect(LoadedImage.refusal(of: .bytes(bytes), format: .elf) == .elf(.noMagicNumber))
        #expect(ELFError.noMagicNumber.description == "it does not begin with ELF's magic number, 7f 45 4c 46")
    }

    @Test("an ELF image says its own mode", arguments: CPUMode.allCases)
    func modeOfELF(mode: CPUMode) {
        #expect(
            throws: VMMError.configuration(
                "an ELF image says its own mode; leave the mode out, or take it as a flat image")
        ) {
            _ = try LoadedImage(.bytes(ELFBuilder().bytes), mode: mode)
        }
    }
}
