import DeviceModel

/// The header that an ELF file begins with (System V ABI, gABI 4.1, chapter 4). Every number in it comes from an untrusted
/// file.
public struct ELFHeader: Equatable, Sendable {
    public let fileClass: ELFClass
    /// `e_type`: 2 for an executable with fixed addresses, 3 for one that can be loaded anywhere.
    public let type: UInt16
    /// `e_machine`: 62 for x86-64, 3 for i386.
    public let machine: UInt16
    /// As the file says: usually virtual.
    public let entry: UInt64
    /// Where the program headers begin, in bytes from the file's start.
    public let tableOffset: UInt64
    /// Of one program header, in bytes.
    public let tableEntrySize: UInt16
    public let tableCount: UInt16

    /// - Throws: what keeps the header from being read. What it says may still be wrong: see ``fault``.
    init(reading image: ImageReader) throws(ImageError) {
        guard try image.prefix(ELFImage.magic.count) == ELFImage.magic else { throw .elf(.noMagicNumber) }
        let identification = ByteFields(try image.bytes(at: 0, count: 16, part: "ELF header")[...])
        let classNumber = identification.load(UInt8.self, at: 4) ?? 0
        guard let fileClass = ELFClass(rawValue: classNumber) else { throw .elf(.unknownClass(classNumber)) }
        let encoding = identification.load(UInt8.self, at: 5) ?? 0
        guard encoding == 1 else { throw .elf(.notLittleEndian(encoding)) }
        let header = ByteFields(try image.bytes(at: 0, count: fileClass.headerSize, part: "ELF header")[...])
        self.fileClass = fileClass
        type = header.load(UInt16.self, at: 16) ?? 0
        machine = header.load(UInt16.self, at: 18) ?? 0
        entry = fileClass.address(header, at: 24)
        tableOffset = fileClass.address(header, at: fileClass.tableFields.offset)
        tableEntrySize = header.load(UInt16.self, at: fileClass.tableFields.entrySize) ?? 0
        tableCount = header.load(UInt16.self, at: fileClass.tableFields.count) ?? 0
    }

    /// Whether its addresses count from wherever it is loaded.
    var isPositionIndependent: Bool { type == 3 }

    /// Code for x86-64 in a 32-bit file (the x32 ABI's): a kernel that is entered in 32-bit mode and goes to long mode by itself.
    var isLongModeIn32Bits: Bool { fileClass == .elf32 && machine == ELFClass.elf64.machine }

    /// Why such a file cannot be booted whatever else is in it; nil where nothing in the header forbids it.
    var fault: ELFError? {
        guard machine == fileClass.machine || isLongModeIn32Bits else {
            return .wrongMachine(machine, is64Bit: fileClass == .elf64)
        }
        guard type == 2 || isPositionIndependent else { return .notExecutable(type: type) }
        return nil
    }
}

/// The two layouts of an ELF file's headers, by the number at offset 4 (System V ABI, gABI 4.1, figures 4-3, 4-6 and 5-1).
public enum ELFClass: UInt8, Sendable {
    case elf32 = 1
    case elf64 = 2

    /// Of an address, an offset or a size, in bits.
    public var bitWidth: Int { self == .elf64 ? 64 : 32 }

    /// In bytes, as the following.
    var headerSize: Int { self == .elf64 ? 64 : 52 }
    var programHeaderSize: Int { self == .elf64 ? 56 : 32 }

    /// Where the numbers about the program headers stand in the header: their offset, their size, how many there are.
    var tableFields: (offset: Int, entrySize: Int, count: Int) { self == .elf64 ? (32, 54, 56) : (28, 42, 44) }

    /// The machine whose executables of this class can be entered: x86-64 or i386 (gABI figure 4-4).
    var machine: UInt16 { self == .elf64 ? 62 : 3 }

    /// The mode that such a file is entered in.
    var mode: CPUMode { self == .elf64 ? .long : .protected }

    /// An address or offset. The fields were read whole, so that one beyond them is a programmer's error and reads as 0.
    func address(_ fields: ByteFields, at offset: Int) -> UInt64 {
        switch self {
        case .elf32: UInt64(fields.load(UInt32.self, at: offset) ?? 0)
        case .elf64: fields.load(UInt64.self, at: offset) ?? 0
        }
    }

    /// Puts an address, modulo its width, where there is room for one.
    func store(_ address: UInt64, at offset: Int, in bytes: inout [UInt8]) {
        switch self {
        case .elf32: bytes.storeLittleEndian(UInt32(truncatingIfNeeded: address), at: offset)
        case .elf64: bytes.storeLittleEndian(address, at: offset)
        }
    }

    func segment(_ header: ByteFields, number: Int) -> ELFImage.Segment {
        let word = self == .elf64 ? 8 : 4
        // p_offset, p_vaddr, p_paddr, p_filesz and p_memsz follow each other. In 64-bit files p_flags comes before them, in
        // 32-bit ones behind them.
        return ELFImage.Segment(
            number: number,
            flags: ELFImage.Segment.Flags(rawValue: header.load(UInt32.self, at: self == .elf64 ? 4 : 24) ?? 0),
            fileOffset: address(header, at: word),
            fileSize: address(header, at: word * 4),
            virtualAddress: address(header, at: word * 2),
            physicalAddress: address(header, at: word * 3),
            memorySize: address(header, at: word * 5),
            alignment: address(header, at: self == .elf64 ? 48 : 28))
    }
}
