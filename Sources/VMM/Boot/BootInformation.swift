/// What a guest is told at its start, by whichever structure its boot protocol has for it.
struct BootInformation: Equatable, Sendable {
    /// Of the piece whose address a kernel of Multiboot or PVH finds in a register.
    static let pieceName = "boot information"

    /// A file beside the image, in guest memory.
    struct Module: Equatable, Sendable {
        /// Guest-physical.
        let start: UInt64
        /// In bytes.
        let size: UInt64
        let name: String
        /// What the guest is told of it, beside where it is.
        let arguments: String
    }

    /// What a command line begins with, where it does with the image's name.
    var imageName = "image"

    let memoryMap: [E820Entry]
    let commandLine: String
    var modules: [Module] = []
    /// Guest-physical address of ACPI's root pointer; nil where there are no tables.
    var rsdp: UInt64?
    /// The root pointer itself, for Multiboot 2, which hands over a copy; empty where there is none.
    var rsdpBytes: [UInt8] = []

    /// Text with the zero byte at its end.
    ///
    /// - Throws: `VMMError.configuration` where there is one inside.
    static func text(_ text: String, what: String) throws(VMMError) -> [UInt8] {
        let bytes = Array(text.utf8)
        guard !bytes.contains(0) else {
            throw .configuration("\(what) holds a zero byte, which would end it early; leave it out")
        }
        return bytes + [0]
    }

    /// Room for what guests are told: below the BIOS area, or above 1 MiB where it does not fit there.
    static func room(for size: Int, in free: inout FreeMemory) throws(VMMError) -> UInt64 {
        let size = UInt64(size)
        guard
            let place = free.take(size, .highest(below: LowMemory.biosArea.lowerBound)) ?? free.take(size, .behindImage)
        else {
            throw .configuration("there is no room for what the guest is told; give the machine more memory")
        }
        return place
    }

    /// How much RAM there is without a gap from an address on that the guest may use, in KiB.
    func kilobytes(from start: UInt64) -> UInt32 {
        let range = memoryMap.first { $0.kind == .usable && $0.start <= start && start < $0.end }
        return UInt32(clamping: (range.map { $0.end &- start } ?? 0) >> 10)
    }
}

/// A file that a guest is given beside its image: Linux's initial RAM disk, or a module of a kernel that has such.
public struct BootModule: Equatable, Sendable {
    public var source: ImageSource
    /// What the guest is told of it, where its boot protocol has a place for that.
    public var arguments: String

    public init(_ source: ImageSource, arguments: String = "") {
        self.source = source
        self.arguments = arguments
    }
}
