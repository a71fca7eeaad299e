/// What a guest is told at its start, by whichever structure its boot protocol has for it.
struct BootInformation: Equatable, Sendable {
    /// A file beside the image, in guest memory.
    struct Module: Equatable, Sendable {
        /// Guest-physical.
        let start: UInt64
        /// In bytes.
        let size: UInt64
        /// What the guest is told of it, beside where it is.
        let arguments: String
    }

    let memoryMap: [E820Entry]
    let commandLine: String
    var modules: [Module] = []
    /// Guest-physical address of ACPI's root pointer; nil where there are no tables.
    var rsdp: UInt64?
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
