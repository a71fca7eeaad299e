import DeviceModel

/// ACPI's machine language, as far as a table of devices needs it (ACPI 6.5 section 20.2). Each function gives the bytes of one term.
enum AML {
    /// The length that a term begins with, itself included (section 20.2.4): up to 63 in one byte, else the lowest four bits and the
    /// number of bytes that follow, 1 to 3.
    ///
    /// - Parameter count: bytes of the term behind it, less than 2^28 - 4.
    static func packageLength(before count: Int) -> [UInt8] {
        if count < 0x3F { return [UInt8(count + 1)] }
        let following = count + 2 < 1 << 12 ? 1 : count + 3 < 1 << 20 ? 2 : 3
        let total = count + 1 + following
        var bytes = [UInt8(following << 6 | total & 0xF)]
        for index in 0..<following { bytes.append(UInt8(truncatingIfNeeded: total >> (4 + 8 * index))) }
        return bytes
    }

    /// One segment, of four characters at most, filled up with underscores (section 20.2.2).
    static func path(_ name: String) -> [UInt8] {
        let segment = Array(name.utf8.prefix(4))
        return segment + [UInt8](repeating: UInt8(ascii: "_"), count: 4 - segment.count)
    }

    static func name(_ name: String, _ value: [UInt8]) -> [UInt8] { [0x08] + path(name) + value }
    static func scope(_ name: String, _ terms: [UInt8]) -> [UInt8] { [0x10] + withLength(path(name) + terms) }
    static func device(_ name: String, _ terms: [UInt8]) -> [UInt8] { [0x5B, 0x82] + withLength(path(name) + terms) }

    /// - Parameter elements: 255 at most.
    static func package(_ elements: [[UInt8]]) -> [UInt8] {
        [0x12] + withLength([UInt8(elements.count)] + elements.joined())
    }

    static func buffer(_ bytes: [UInt8]) -> [UInt8] { [0x11] + withLength(integer(UInt64(bytes.count)) + bytes) }

    /// In as few bytes as hold it (section 20.2.3).
    static func integer(_ value: UInt64) -> [UInt8] {
        switch value {
        case 0, 1: return [UInt8(value)]
        case ...0xFF: return [0x0A, UInt8(value)]
        case ...0xFFFF: return [0x0B] + littleEndian(UInt16(value))
        case ...0xFFFF_FFFF: return [0x0C] + littleEndian(UInt32(value))
        default: return [0x0E] + littleEndian(value)
        }
    }

    static func string(_ text: String) -> [UInt8] { [0x0D] + text.utf8 + [0] }

    /// An identifier of plug and play, such as `PNP0501`, packed into 32 bits: three letters of five bits and four hexadecimal
    /// digits, the highest byte first (section 19.3.4, "EISAID").
    static func eisaID(_ text: String) -> [UInt8] {
        let letters = text.utf8.prefix(3).reduce(UInt32(0)) { $0 << 5 | UInt32($1 &- 0x40) & 0x1F }
        let digits = UInt32(text.dropFirst(3), radix: 16) ?? 0
        return [0x0C] + littleEndian((letters << 16 | digits).byteSwapped)
    }

    private static func withLength(_ bytes: [UInt8]) -> [UInt8] { packageLength(before: bytes.count) + bytes }
}

/// The resources of a device, for its `_CRS` (ACPI 6.5 section 6.4).
enum ACPIResource {
    /// Decoded with 16 bits (section 6.4.2.5).
    case ports(Range<UInt16>)
    /// Of the PICs: edge-triggered, active-high (section 6.4.2.1, without the flags).
    case irq(UInt32)
    /// Below 4 GiB, readable and writable (section 6.4.3.4).
    case memory(Range<UInt64>)
    /// A GSI, level-triggered and active-high, of one device (section 6.4.3.6).
    case levelInterrupt(UInt32)

    private var bytes: [UInt8] {
        switch self {
        case .ports(let ports):
            let first = littleEndian(ports.lowerBound)
            return [0x47, 0x01] + first + first + [1, UInt8(truncatingIfNeeded: ports.count)]
        case .irq(let line): return [0x22] + littleEndian(UInt16(1) << UInt16(line & 0xF))
        case .memory(let range):
            let words = [range.lowerBound, range.upperBound - range.lowerBound]
            return [0x86, 9, 0, 1] + words.flatMap { littleEndian(UInt32(truncatingIfNeeded: $0)) }
        case .levelInterrupt(let gsi): return [0x89, 6, 0, 0x01, 1] + littleEndian(gsi)
        }
    }

    /// `Name (_CRS, ResourceTemplate () {…})`. The end's checksum is 0: none (section 6.4.2.9).
    static func settings(_ resources: [ACPIResource]) -> [UInt8] {
        AML.name("_CRS", AML.buffer(resources.flatMap(\.bytes) + [0x79, 0]))
    }
}

/// The lowest byte first.
func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(value)
    return bytes
}
