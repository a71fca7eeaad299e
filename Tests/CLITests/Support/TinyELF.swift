/// An ELF executable for one test (System V gABI 4.1, chapters 4 and 5), right as it is made; a test spoils what it is about.
struct TinyELF {
    struct Segment {
        var offset: UInt64 = 0x1000
        var virtualAddress: UInt64 = 0x100000
        var physicalAddress: UInt64 = 0x100000
        var fileSize: UInt64 = 8
        var memorySize: UInt64 = 8
    }

    var fileClass: UInt8 = 2
    var encoding: UInt8 = 1
    var type: UInt16 = 2
    var machine: UInt16 = 62
    var entry: UInt64 = 0x100000
    var headerSize: UInt16 = 56
    var segments = [Segment()]
    /// What stands at file offset 0x1000. As it is, in any mode: print "E" on the debug console and halt.
    var code: [UInt8] = [0xB0, 0x45, 0xE6, 0xE9, 0xF4, 0x90, 0x90, 0x90]

    /// A 32-bit one.
    static var elf32: TinyELF {
        var elf = TinyELF()
        (elf.fileClass, elf.machine, elf.headerSize) = (1, 3, 32)
        return elf
    }

    var bytes: [UInt8] {
        let is64Bit = fileClass != 1
        var file: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, fileClass, encoding, 1] + [UInt8](repeating: 0, count: 9)
        func add(_ value: some FixedWidthInteger) {
            for byte in 0..<value.bitWidth / 8 { file.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
        }
        /// An address, offset or size, as wide as the class has them.
        func addWord(_ value: UInt64) {
            if is64Bit { add(value) } else { add(UInt32(truncatingIfNeeded: value)) }
        }
        add(type)
        add(machine)
        add(UInt32(1))
        addWord(entry)
        addWord(is64Bit ? 64 : 52)
        addWord(0)
        add(UInt32(0))
        for field in [is64Bit ? 64 : 52, headerSize, UInt16(segments.count), 0, 0, 0] { add(field) }
        for segment in segments {
            add(UInt32(1))
            if is64Bit { add(UInt32(5)) }
            addWord(segment.offset)
            addWord(segment.virtualAddress)
            addWord(segment.physicalAddress)
            addWord(segment.fileSize)
            addWord(segment.memorySize)
            if !is64Bit { add(UInt32(5)) }
            addWord(0)
        }
        file += [UInt8](repeating: 0, count: max(0, 0x1000 - file.count))
        return file + code
    }
}
