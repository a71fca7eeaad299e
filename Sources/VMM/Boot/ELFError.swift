import DeviceModel

/// What is wrong with an ELF image.
public enum ELFError: Error, Equatable, Sendable {
    case noMagicNumber
    case unknownClass(UInt8)
    case notLittleEndian(UInt8)
    case wrongMachine(UInt16, is64Bit: Bool)
    case notExecutable(type: UInt16)
    case badHeaderSize(UInt16)
    case tooManySegments(Int)
    case noSegments
    /// The segment's number in the program header table, from 0, in this and the following.
    case fileSizeOverMemorySize(segment: Int)
    case segmentWraps(Int)
    case segmentOutsideRAM(Int, start: UInt64, size: UInt64)
    case segmentOverTables(Int, start: UInt64, tables: Range<UInt64>)
    case segmentsOverlap(Int, Int)
    case entryOutsideSegments(UInt64)
    case entryNotMapped(UInt64)
    case noPVHNote
    /// In the following, of an executable that can be loaded anywhere.
    case needsDynamicLinker
    case badAlignment(segment: Int, UInt64)
    /// By the specification's name, of a table that cannot be read.
    case badDynamicSection(String)
    case relocationKind(String)
    case tooManyRelocations(UInt64)
    case relocationOutside
}

extension ELFError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noMagicNumber: "it does not begin with ELF's magic number, 7f 45 4c 46"
        case .unknownClass(let number):
            "its ELF class \(number) is neither 32-bit (1) nor 64-bit (2); build it for i386 or x86-64"
        case .notLittleEndian(let number):
            "its ELF data encoding \(number) is not little-endian (1); build it for i386 or x86-64"
        case .wrongMachine(let machine, let is64Bit):
            "it is for ELF machine \(machine) in a \(is64Bit ? 64 : 32)-bit file; build it for "
                + (is64Bit ? "x86-64 (62)" : "i386 (3)")
        case .notExecutable(let type):
            "its ELF type \(type) is neither an executable with fixed addresses (2) nor one that can be loaded anywhere (3); link it without -r"
        case .badHeaderSize(let size):
            "its ELF program headers have \(size) bytes each, which is too few; link it again"
        case .tooManySegments(let count):
            "it has \(count) ELF program headers, more than \(ELFImage.segmentLimit); link it with fewer"
        case .noSegments: "it has no ELF segment to load; link it as an executable"
        case .fileSizeOverMemorySize(let segment):
            "ELF segment \(segment) is larger in the file than in memory; link it again"
        case .segmentWraps(let segment): "ELF segment \(segment) runs over the end of the address space; link it lower"
        case .segmentOutsideRAM(let segment, let start, let size):
            "ELF segment \(segment), \(size) bytes at \(hex(start)), lies outside RAM; give the machine more memory or link it lower"
        case .segmentOverTables(let segment, let start, let tables):
            "ELF segment \(segment) at \(hex(start)) lies over the boot tables "
                + (tables.lowerBound == 0
                    ? "below \(hex(tables.upperBound)); link it higher"
                    : "from \(hex(tables.lowerBound)) to \(hex(tables.upperBound &- 1)); link it elsewhere")
        case .segmentsOverlap(let first, let second):
            "ELF segments \(first) and \(second) overlap in memory; link them apart"
        case .entryOutsideSegments(let entry):
            "its entry \(hex(entry)) is outside every ELF segment; name the right entry symbol to the linker"
        case .entryNotMapped(let entry):
            "its entry \(hex(entry)) is above the first 4 GiB, which is all that is mapped at entry; link it lower"
        case .noPVHNote:
            "it has no ELF note with an entry for PVH (Xen, 18); link the note in, in a segment of its own (PT_NOTE)"
        case .needsDynamicLinker:
            "it needs a dynamic linker, which no machine without an operating system has; link it with -static-pie or -no-pie"
        case .badAlignment(let segment, let alignment):
            "ELF segment \(segment) wants a multiple of \(hex(alignment)), which is no power of 2 up to 1 GiB; link it again"
        case .badDynamicSection(let table):
            "its table of relocations (\(table)) is not as the specification has it, or not in what is loaded; link it again"
        case .relocationKind(let kind):
            "it has relocations of the kind \(kind), and only relative ones can be made here; link it with -static-pie, or with -no-pie"
        case .tooManyRelocations(let count):
            "it has \(count) relocations, more than \(ELFRelocations.limit); link it with -no-pie"
        case .relocationOutside: "one of its relocations is outside every ELF segment; link it again"
        }
    }
}
