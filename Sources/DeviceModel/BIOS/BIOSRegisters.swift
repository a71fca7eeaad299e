/// The registers of real-mode code that calls its BIOS, which each service reads and changes.
public struct BIOSRegisters: Equatable, Sendable {
    public var eax: UInt32 = 0
    public var ebx: UInt32 = 0
    public var ecx: UInt32 = 0
    public var edx: UInt32 = 0
    public var esi: UInt32 = 0
    public var edi: UInt32 = 0
    public var ebp: UInt32 = 0
    public var ds: UInt16 = 0
    public var es: UInt16 = 0
    /// What the service's IRET brings back: bit 0 is the carry flag, which most services say by whether they failed, and bit 6 the zero
    /// flag (Intel SDM vol. 1 figure 3-8).
    public var flags: UInt16 = 0

    public init() {}
}

extension BIOSRegisters {
    var ax: UInt16 {
        get { eax.word }
        set { eax.word = newValue }
    }
    var bx: UInt16 {
        get { ebx.word }
        set { ebx.word = newValue }
    }
    var cx: UInt16 {
        get { ecx.word }
        set { ecx.word = newValue }
    }
    var dx: UInt16 {
        get { edx.word }
        set { edx.word = newValue }
    }
    var si: UInt16 {
        get { esi.word }
        set { esi.word = newValue }
    }
    var di: UInt16 {
        get { edi.word }
        set { edi.word = newValue }
    }
    var bp: UInt16 {
        get { ebp.word }
        set { ebp.word = newValue }
    }

    var al: UInt8 {
        get { ax.low }
        set { ax.low = newValue }
    }
    var ah: UInt8 {
        get { ax.high }
        set { ax.high = newValue }
    }
    var bl: UInt8 {
        get { bx.low }
        set { bx.low = newValue }
    }
    var bh: UInt8 {
        get { bx.high }
        set { bx.high = newValue }
    }
    var cl: UInt8 {
        get { cx.low }
        set { cx.low = newValue }
    }
    var ch: UInt8 {
        get { cx.high }
        set { cx.high = newValue }
    }
    var dl: UInt8 {
        get { dx.low }
        set { dx.low = newValue }
    }
    var dh: UInt8 {
        get { dx.high }
        set { dx.high = newValue }
    }

    var carry: Bool {
        get { flags & 1 != 0 }
        set { flags = newValue ? flags | 1 : flags & ~1 }
    }

    var zero: Bool {
        get { flags & 0x40 != 0 }
        set { flags = newValue ? flags | 0x40 : flags & ~0x40 }
    }
}

extension UInt32 {
    var word: UInt16 {
        get { UInt16(truncatingIfNeeded: self) }
        set { self = self & 0xFFFF_0000 | UInt32(newValue) }
    }
}

extension UInt16 {
    var low: UInt8 {
        get { UInt8(truncatingIfNeeded: self) }
        set { self = self & 0xFF00 | UInt16(newValue) }
    }

    var high: UInt8 {
        get { UInt8(truncatingIfNeeded: self >> 8) }
        set { self = self & 0x00FF | UInt16(newValue) << 8 }
    }

    init(low: UInt8, high: UInt8) {
        self = UInt16(low) | UInt16(high) << 8
    }
}

/// Guest memory as real-mode code addresses it. What is no RAM reads as ones, and takes no write, as on a PC.
struct RealModeMemory: Sendable {
    let memory: GuestMemory

    /// Where a segment and an offset lead.
    static func linear(_ segment: UInt16, _ offset: UInt16) -> UInt64 {
        UInt64(segment) << 4 &+ UInt64(offset)
    }

    func load<T: FixedWidthInteger & BitwiseCopyable & UnsignedInteger>(_ type: T.Type, at address: UInt64) -> T {
        (try? memory.load(T.self, at: GuestAddress(address))) ?? .max
    }

    func store<T: FixedWidthInteger & BitwiseCopyable & UnsignedInteger>(_ value: T, at address: UInt64) {
        try? memory.store(value, at: GuestAddress(address))
    }

    /// A byte of a segment; offsets wrap at its end.
    func byte(_ segment: UInt16, _ offset: UInt16) -> UInt8 {
        load(UInt8.self, at: Self.linear(segment, offset))
    }

    func setByte(_ segment: UInt16, _ offset: UInt16, _ value: UInt8) {
        store(value, at: Self.linear(segment, offset))
    }

    /// Bytes from a linear address on; nil where not all of them are RAM.
    func bytes(at address: UInt64, count: Int) -> [UInt8]? {
        guard count >= 0, memory.contains(GuestAddress(address), count: UInt64(count)) else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        do throws(GuestMemoryError) { try memory.read(at: GuestAddress(address), into: &span) } catch { return nil }
        return bytes
    }

    /// - Returns: false where not all of the place is RAM, and then nothing is written.
    @discardableResult
    func write(_ bytes: [UInt8], at address: UInt64) -> Bool {
        do throws(GuestMemoryError) { try memory.write(bytes.span, at: GuestAddress(address)) } catch { return false }
        return true
    }
}
