import DeviceModel

/// What is wrong with a Multiboot kernel's header, of either version.
public enum MultibootError: Error, Equatable, Sendable {
    case noHeader(version: Int)
    /// Bits of the first version's flags that are demands nobody has heard of.
    case demands(UInt32)
    /// Neither ELF nor addresses.
    case noAddresses
    /// A field by the specification's name, its value, and what is wrong with that.
    case address(String, UInt32, String)
    case noEntry
    case entryOutside(UInt32)
    case outsideRAM(start: UInt64, size: UInt64)
    case overTables(start: UInt64, tables: Range<UInt64>)
    case architecture(UInt32)
    /// A tag of the second version's header that is cut, or shorter than its fields.
    case brokenTag(type: UInt16, size: UInt32)
    case unknownTag(type: UInt16)
    case unknownInformation(type: UInt32)
    case needsEFI
    case needsGraphics
    case noRoom(size: UInt64, lowest: UInt32, highest: UInt32)
}

extension MultibootError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noHeader(let version):
            "it has no Multiboot \(version) header in its first \(version == 1 ? 8 : 32) KiB; link the header's section first"
        case .demands(let flags):
            "its Multiboot header demands what the specification does not know, flags \(hex(flags)); leave them out"
        case .noAddresses:
            "its Multiboot header names no load addresses and the file is not ELF; link it as ELF, or give the header addresses"
        case .address(let field, let value, let fault):
            "\(field) of its Multiboot header, \(hex(value)), is \(fault); correct the header"
        case .noEntry:
            "its Multiboot header has load addresses and no entry address; add the entry address tag"
        case .entryOutside(let entry):
            "the entry of its Multiboot header, \(hex(entry)), is outside what is loaded; correct the header"
        case .outsideRAM(let start, let size):
            "its \(size) bytes at \(hex(start)) lie outside RAM; give the machine more memory or link it lower"
        case .overTables(let start, let tables):
            "what is loaded at \(hex(start)) lies over the boot tables from \(hex(tables.lowerBound)) to \(hex(tables.upperBound &- 1)); link it elsewhere"
        case .architecture(let number):
            "its Multiboot 2 header is for architecture \(number); build it for i386 (0)"
        case .brokenTag(let type, let size):
            "tag \(type) of its Multiboot 2 header, with \(size) bytes, is cut or too short; correct the header"
        case .unknownTag(let type):
            "its Multiboot 2 header demands tag \(type), which is not known here; mark the tag as optional"
        case .unknownInformation(let type):
            "its Multiboot 2 header demands information \(type), which is not known here; mark the request as optional"
        case .needsEFI:
            "its Multiboot 2 header demands EFI, which this machine does not have; give it an i386 entry and mark the EFI tags as optional"
        case .needsGraphics:
            "its Multiboot 2 header demands a graphics console, and this machine has text alone; let it support EGA text"
        case .noRoom(let size, let lowest, let highest):
            "there is no room for its \(size) bytes between \(hex(lowest)) and \(hex(highest)), where its Multiboot 2 header wants them; let the header allow more, or give the machine more memory"
        }
    }
}
