import DeviceModel

/// A Linux kernel, as its boot protocol needs to know it (Linux Documentation/arch/x86/boot.rst).
public struct LinuxKernel: Equatable, Sendable {
    /// Guest-physical address of the first instruction.
    public let entry: UInt64
    /// Whether it is entered in long mode; else in protected mode.
    public let is64Bit: Bool
    /// The setup header from its start at file offset 0x1F1 on, which goes into the boot parameters; empty for a vmlinux, which has none.
    let setupHeader: [UInt8]
    /// Whether it is a bzImage, which begins with unpacking the kernel that is in it.
    public var unpacksItself: Bool { !setupHeader.isEmpty }
    /// The first address behind all that an initial RAM disk may take; 1 where the header says that it takes none.
    let initrdEnd: UInt64
    /// What it takes of a command line in bytes, without the zero at its end.
    public let commandLineLimit: Int

    init(entry: UInt64, is64Bit: Bool, setupHeader: [UInt8], initrdEnd: UInt64, commandLineLimit: Int) {
        self.entry = entry
        self.is64Bit = is64Bit
        self.setupHeader = setupHeader
        self.initrdEnd = initrdEnd
        self.commandLineLimit = commandLineLimit
    }

    /// A kernel without setup header, by the entry that its ELF file names: today's kernels are entered by the 64-bit protocol.
    init(vmlinux entry: UInt64, is64Bit: Bool) {
        self.init(
            entry: entry, is64Bit: is64Bit, setupHeader: [], initrdEnd: Self.defaultInitrdEnd,
            commandLineLimit: BootParameters.commandLineSize - 1)
    }

    /// Every kernel has this much mapped early on (boot.rst, `initrd_addr_max`).
    private static let defaultInitrdEnd: UInt64 = 0x7FFF_FFFF + 1
}

/// A bzImage: a compressed kernel behind the code that unpacks it, with a header that tells how it is loaded (boot.rst, "The Real-Mode
/// Kernel Header"). Every number in it comes from an untrusted file.
public struct BzImage: Equatable, Sendable {
    /// Where the header begins in the file, and how much of it there is at most before the boot parameters' next field.
    private static let headerStart = 0x1F1
    private static let headerEnd = 0x290
    static let magic: [UInt8] = Array("HdrS".utf8)
    static let magicOffset = 0x202
    /// A 64-bit kernel's second entry, from where it is loaded (boot.rst, "64-bit Boot Protocol").
    private static let entry64: UInt64 = 0x200

    /// The boot protocol's version, major in the upper byte.
    public let version: UInt16
    /// Where the part that runs in protected mode begins in the file, in bytes.
    public let kernelOffset: UInt64
    /// Where it is loaded, guest-physical.
    public let loadAddress: UInt64
    /// How much memory it needs from there to unpack itself, in bytes.
    public let memorySize: UInt64
    public let kernel: LinuxKernel

    /// Whether a file begins as all kernels that have a header do.
    static func isOne(_ image: ImageReader) throws(ImageError) -> Bool {
        let start = try image.prefix(magicOffset + magic.count)
        return start.count == magicOffset + magic.count && start[0x1FE] == 0x55 && start[0x1FF] == 0xAA
            && Array(start[magicOffset...]) == magic
    }

    init(reading image: ImageReader) throws(ImageError) {
        let start = try image.prefix(Self.headerEnd)
        let file = ByteFields(start[...])
        guard let version = file.load(UInt16.self, at: 0x206), let loadFlags = file.load(UInt8.self, at: 0x211),
            let jump = file.load(UInt8.self, at: 0x201)
        else { throw .truncated("Linux setup header") }
        guard version >= 0x0202, loadFlags & 1 != 0 else { throw .linux(.lowKernel(version: version)) }
        self.version = version
        // 0 stands for 4; a byte, and so it cannot wrap.
        let setupSectors = UInt64(file.load(UInt8.self, at: Self.headerStart) ?? 0)
        kernelOffset = ((setupSectors == 0 ? 4 : setupSectors) &+ 1) &* 512
        guard kernelOffset < image.size else { throw .truncated("Linux kernel") }
        try Self.checkName(image, file.load(UInt16.self, at: 0x20E) ?? 0, before: kernelOffset)
        /// A field that is there from a version of the protocol on.
        func field<Value: FixedWidthInteger>(_ offset: Int, since: UInt16, or missing: Value) -> Value {
            version >= since ? file.load(Value.self, at: offset) ?? missing : missing
        }
        loadAddress = field(0x258, since: 0x020A, or: LowMemory.flatImage)
        let needed: UInt32 = field(0x260, since: 0x020A, or: 0)
        memorySize = max(UInt64(needed), image.size &- kernelOffset)
        let flags: UInt16 = field(0x236, since: 0x020C, or: 0)
        let is64Bit = flags & 1 != 0
        let (entry, wraps) = loadAddress.addingReportingOverflow(is64Bit ? Self.entry64 : 0)
        guard !wraps, is64Bit || entry <= UInt64(UInt32.max) else { throw .linux(.loadAddress(loadAddress)) }
        // The first instruction is in the file.
        guard entry &- loadAddress < image.size &- kernelOffset else { throw .truncated("Linux kernel") }
        // What kernels take from before they said it (boot.rst, `initrd_addr_max`, `cmdline_size`).
        let lastOfInitrd: UInt32 = field(0x22C, since: 0x0203, or: 0x37FF_FFFF)
        let commandLineLimit: UInt32 = field(0x238, since: 0x0206, or: 255)
        // The header ends where its jump over itself leads.
        let end = min(Self.magicOffset + Int(jump), start.count)
        kernel = LinuxKernel(
            entry: entry, is64Bit: is64Bit, setupHeader: Array(start[Self.headerStart..<max(Self.headerStart, end)]),
            initrdEnd: UInt64(lastOfInitrd) + 1, commandLineLimit: Int(clamping: commandLineLimit))
    }

    /// A boot loader in the form of a kernel has its program in the setup code, which only a BIOS can run: such call themselves by a name,
    /// and a Linux kernel by its version's number (boot.rst, `kernel_version`).
    private static func checkName(_ image: ImageReader, _ pointer: UInt16, before end: UInt64) throws(ImageError) {
        let place = UInt64(pointer) + 0x200
        guard pointer != 0, place < end else { return }
        let text = try image.bytes(at: place, count: Int(min(32, image.size - place)), part: "Linux setup header")
        let name = text.prefix { 0x20...0x7E ~= $0 }
        guard let first = name.first, !(0x30...0x39 ~= first) else { return }
        throw .linux(.setupProgram(String(decoding: name, as: UTF8.self)))
    }

    /// What is loaded, which must lie in RAM.
    func plan(_ imageSize: UInt64, ram: [GuestMemory.Region]) throws(ImageError) -> BootPlan {
        let plan = BootPlan(.linux(kernel), pieces: [piece(imageSize)])
        guard loadAddress >= LowMemory.tablesEnd else { throw .linux(.loadAddress(loadAddress)) }
        guard kernel.entry < HighMemory.mappedEnd else { throw .linux(.loadAddress(loadAddress)) }
        guard ram.contains(where: { $0.contains(GuestAddress(loadAddress), count: memorySize) }) else {
            throw .linux(.outsideRAM(start: loadAddress, size: memorySize))
        }
        return plan
    }

    /// The kernel, and the room that it unpacks itself into.
    func piece(_ imageSize: UInt64) -> BootPlan.Piece {
        BootPlan.Piece(
            name: "Linux kernel", fileOffset: kernelOffset, fileSize: imageSize &- kernelOffset, address: loadAddress,
            memorySize: memorySize)
    }
}

/// What is wrong with a Linux kernel's header.
public enum LinuxError: Error, Equatable, Sendable {
    /// A zImage, or one from before the protocol that is entered in protected mode.
    case lowKernel(version: UInt16)
    /// Its name.
    case setupProgram(String)
    case loadAddress(UInt64)
    case outsideRAM(start: UInt64, size: UInt64)

}

extension LinuxError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .lowKernel(let version):
            "it is a Linux kernel for 16-bit entry alone (boot protocol \(version >> 8).\(version & 0xFF)); build a bzImage"
        case .setupProgram(let name):
            "it calls itself \"\(name)\", and is no Linux kernel but a program in the form of one, which needs a BIOS; give a kernel"
        case .loadAddress(let address):
            "this Linux kernel is to be loaded at \(hex(address)), where none can be; build it again"
        case .outsideRAM(let start, let size):
            "this Linux kernel needs \(size) bytes of RAM from \(hex(start)) on; give the machine more memory"
        }
    }
}
