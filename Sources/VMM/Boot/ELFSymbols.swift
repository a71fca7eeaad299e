import DeviceModel

/// The names that an ELF file gives to addresses (System V ABI, gABI 4.1, chapter 4, "Symbol Table"), for messages.
struct ELFSymbols {
    /// More than Linux with all its drivers has.
    private static let countLimit: UInt64 = 1 << 18
    private static let chunk: UInt64 = 4096
    private static let nameLimit = 128
    /// How far behind a symbol without a size, such as an assembler's label, an address is still called after it.
    private static let reach: UInt64 = 1 << 16

    private let image: ImageReader
    private let fileClass: ELFClass
    private let table: Span
    private let names: Span

    /// Bytes of the file.
    private struct Span {
        let offset: UInt64
        let size: UInt64
    }

    /// Nil where the file has none.
    init?(reading image: ImageReader) {
        guard let header = try? ELFHeader(reading: image), let sections = ELFSections(of: header, in: image) else {
            return nil
        }
        let headers = sections.table.chunks(of: sections.entrySize)
        // SHT_SYMTAB; sh_link is the section of the names.
        guard
            let symbols = headers.first(where: { $0.loadLittleEndian(UInt32.self, at: 4) == 2 }),
            let link = symbols.loadLittleEndian(UInt32.self, at: header.fileClass == .elf64 ? 40 : 24),
            headers.indices.contains(Int(link))
        else { return nil }
        self.image = image
        fileClass = header.fileClass
        table = Self.span(symbols, fileClass)
        names = Self.span(headers[Int(link)], fileClass)
    }

    private static func span(_ header: ArraySlice<UInt8>, _ fileClass: ELFClass) -> Span {
        let fields = ByteFields(header)
        let is64Bit = fileClass == .elf64
        return Span(
            offset: fileClass.address(fields, at: is64Bit ? 24 : 16),
            size: fileClass.address(fields, at: is64Bit ? 32 : 20))
    }

    private struct Symbol {
        let name: UInt32
        let value: UInt64
        let size: UInt64

        /// Nil for what is no place in the code.
        init?(_ bytes: ArraySlice<UInt8>, _ fileClass: ELFClass) {
            let fields = ByteFields(bytes)
            let is64Bit = fileClass == .elf64
            let kind = (fields.load(UInt8.self, at: is64Bit ? 4 : 12) ?? 0) & 15
            let section = fields.load(UInt16.self, at: is64Bit ? 6 : 14) ?? 0
            // STT_NOTYPE or STT_FUNC, in a section of the file.
            guard kind == 0 || kind == 2, 1..<0xFF00 ~= section else { return nil }
            name = fields.load(UInt32.self, at: 0) ?? 0
            value = fileClass.address(fields, at: is64Bit ? 8 : 4)
            size = fileClass.address(fields, at: is64Bit ? 16 : 8)
        }

        func reaches(_ address: UInt64) -> Bool {
            address >= value && address &- value < (size == 0 ? ELFSymbols.reach : size)
        }
    }

    /// The nearest name, and how far the address is behind it: `main+0x13`.
    ///
    /// - Parameter address: virtual, as the file has it.
    func name(of address: UInt64) -> String? {
        let entrySize: UInt64 = fileClass == .elf64 ? 24 : 16
        let count = min(table.size / entrySize, Self.countLimit)
        var best: Symbol?
        for first in stride(from: 0, to: count, by: Int(Self.chunk)) {
            let bytes = min(Self.chunk, count - first) * entrySize
            guard
                let chunk = try? image.bytes(
                    at: table.offset &+ first * entrySize, count: Int(bytes), part: "symbols")
            else { break }
            for start in stride(from: 0, to: chunk.count, by: Int(entrySize)) {
                // Only what is nearer is looked at further: a file has many.
                let value = value(in: chunk, at: start)
                guard value <= address, best.map({ value > $0.value }) ?? true else { continue }
                guard let symbol = Symbol(chunk[start..<start + Int(entrySize)], fileClass), symbol.reaches(address)
                else { continue }
                best = symbol
            }
        }
        guard let best, let name = text(at: UInt64(best.name)) else { return nil }
        let distance = address &- best.value
        return distance == 0 ? name : "\(name)+\(hex(distance))"
    }

    /// `st_value` of the entry that starts there.
    private func value(in chunk: [UInt8], at start: Int) -> UInt64 {
        let is64Bit = fileClass == .elf64
        var value: UInt64 = 0
        for index in (start + (is64Bit ? 8 : 4)..<start + (is64Bit ? 16 : 8)).reversed() {
            value = value << 8 | UInt64(chunk[index])
        }
        return value
    }

    /// A name up to its zero byte. What is not plain text in it could be a command to the terminal.
    private func text(at offset: UInt64) -> String? {
        guard offset < names.size else { return nil }
        let count = min(UInt64(Self.nameLimit), names.size - offset)
        guard let bytes = try? image.bytes(at: names.offset &+ offset, count: Int(count), part: "names") else {
            return nil
        }
        let name = bytes.prefix { $0 != 0 }.map { 0x21...0x7E ~= $0 ? $0 : UInt8(ascii: "?") }
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }
}

extension [UInt8] {
    /// Pieces of so many bytes, without a last one that is shorter.
    fileprivate func chunks(of size: Int) -> [ArraySlice<UInt8>] {
        guard size > 0 else { return [] }
        return stride(from: 0, through: count - size, by: size).map { self[$0..<$0 + size] }
    }
}
