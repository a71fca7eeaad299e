/// The header that an ELF file begins with (System V ABI, gABI 4.1, chapter 4). Every number in it comes from an untrusted
/// file.
public struct ELFHeader: Equatable, Sendable {
    public let fileClass: ELFClass
    /// `e_type`: 2 for an executable with fixed addresses.
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
    init(reading image: borrowing ImageReader) throws(ImageError) {
        let identification = ByteFields(try image.bytes(at: 0, count: 16, part: "ELF header")[...])
        guard try image.prefix(ELFImage.magic.count) == ELFImage.magic else { throw .elf(.noMagicNumber) }
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

    /// Why such a file cannot be booted whatever else is in it; nil where nothing in the header forbids it.
    var fault: ELFError? {
        guard machine == fileClass.machine else { return .wrongMachine(machine, is64Bit: fileClass == .elf64) }
        guard type == 2 else { return .notExecutable(type: type) }
        return nil
    }
}
