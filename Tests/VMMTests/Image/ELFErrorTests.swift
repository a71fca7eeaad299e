import Testing

@testable import VMM

@Suite("ELF errors in words")
struct ELFErrorTests {
    @Test(
        "each names what is wrong, and the remedy where there is one",
        arguments: [
            (.unknownClass(7), "its ELF class 7 is neither 32-bit (1) nor 64-bit (2); build it for i386 or x86-64"),
            (.notLittleEndian(2), "its ELF data encoding 2 is not little-endian (1); build it for i386 or x86-64"),
            (
                .wrongMachine(183, is64Bit: true),
                "it is for ELF machine 183 in a 64-bit file; build it for x86-64 (62)"
            ),
            (
                .wrongMachine(62, is64Bit: false),
                "it is for ELF machine 62 in a 32-bit file; build it for i386 (3)"
            ),
            (
                .notExecutable(type: 1),
                "its ELF type 1 is neither an executable with fixed addresses (2) nor one that can be loaded anywhere (3); "
                    + "link it without -r"
            ),
            (.badHeaderSize(55), "its ELF program headers have 55 bytes each, which is too few; link it again"),
            (.tooManySegments(300), "it has 300 ELF program headers, more than 256; link it with fewer"),
            (.noSegments, "it has no ELF segment to load; link it as an executable"),
            (.fileSizeOverMemorySize(segment: 1), "ELF segment 1 is larger in the file than in memory; link it again"),
            (.segmentWraps(1), "ELF segment 1 runs over the end of the address space; link it lower"),
            (
                .segmentOutsideRAM(1, start: 0x20_0000, size: 4096),
                "ELF segment 1, 4096 bytes at 0x200000, lies outside RAM; give the machine more memory or link it lower"
            ),
            (
                .segmentOverTables(1, start: 0x1000, tables: 0..<0x10000),
                "ELF segment 1 at 0x1000 lies over the boot tables below 0x10000; link it higher"
            ),
            (
                .segmentOverTables(1, start: 0xF0000, tables: 0xE0000..<0x100000),
                "ELF segment 1 at 0xf0000 lies over the boot tables from 0xe0000 to 0xfffff; link it elsewhere"
            ),
            (
                .needsDynamicLinker,
                "it needs a dynamic linker, which no machine without an operating system has; link it with -static-pie or -no-pie"
            ),
            (
                .relocationKind("37"),
                "it has relocations of the kind 37, and only relative ones can be made here; link it with -static-pie, or with -no-pie"
            ),
            (.segmentsOverlap(0, 2), "ELF segments 0 and 2 overlap in memory; link them apart"),
            (
                .entryOutsideSegments(0x1234),
                "its entry 0x1234 is outside every ELF segment; name the right entry symbol to the linker"
            ),
            (
                .entryNotMapped(0x1_0000_0000),
                "its entry 0x100000000 is above the first 4 GiB, which is all that is mapped at entry; link it lower"
            ),
        ] as [(ELFError, String)])
    func texts(error: ELFError, text: String) {
        #expect(error.description == text)
        #expect(ImageError.elf(error).description == text)
    }

    @Test(
        "so does each error of an image as such",
        arguments: [
            (.empty, "the file is empty; give the file of a guest"),
            (.notRegularFile("a directory"), "it is a directory; give the file of a guest"),
            (
                .larger(size: 5000, thanRoom: 4096),
                "it has 5000 bytes, and the RAM where it is loaded only 4096; give the machine more memory"
            ),
            (.truncated("ELF header"), "the file ends inside its ELF header; copy or build it again"),
        ] as [(ImageError, String)])
    func imageTexts(error: ImageError, text: String) {
        #expect(error.description == text)
    }
}
