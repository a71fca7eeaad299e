import CKVM

/// The x87 and SSE state (`KVM_GET_FPU`, Linux api.rst section 4.15; the parts are FXSAVE's, Intel SDM vol. 1 section 10.5.1).
///
/// MXCSR is not a part of it: the structure has a field for it, which KVM neither sets nor reads on x86.
public struct FloatingPointState: Equatable, Sendable {
    /// FCW
    public var controlWord: UInt16
    /// FSW
    public var statusWord: UInt16
    /// FTW in FXSAVE's abridged form: a bit for each register that is not empty.
    public var tagWord: UInt8
    /// FOP
    public var lastOpcode: UInt16
    /// FIP
    public var lastInstruction: UInt64
    /// FDP
    public var lastData: UInt64
    /// ST0 to ST7, each 80 bits in the low part.
    public var x87: [UInt128]
    /// XMM0 to XMM15
    public var xmm: [UInt128]

    /// The state after FNINIT.
    public init() {
        controlWord = 0x37F
        statusWord = 0
        tagWord = 0
        lastOpcode = 0
        lastInstruction = 0
        lastData = 0
        x87 = [UInt128](repeating: 0, count: 8)
        xmm = [UInt128](repeating: 0, count: 16)
    }

    init(_ c: kvm_fpu) {
        controlWord = c.fcw
        statusWord = c.fsw
        tagWord = c.ftwx
        lastOpcode = c.last_opcode
        lastInstruction = c.last_ip
        lastData = c.last_dp
        x87 = Self.registers(in: c.fpr)
        xmm = Self.registers(in: c.xmm)
    }

    var c: kvm_fpu {
        var c = kvm_fpu()
        c.fcw = controlWord
        c.fsw = statusWord
        c.ftwx = tagWord
        c.last_opcode = lastOpcode
        c.last_ip = lastInstruction
        c.last_dp = lastData
        Self.store(x87, in: &c.fpr)
        Self.store(xmm, in: &c.xmm)
        return c
    }

    private static func registers<Tuple: BitwiseCopyable>(in tuple: Tuple) -> [UInt128] {
        // SAFETY: the tuple is a C array of 16-byte arrays, and each load lies inside it.
        unsafe withUnsafeBytes(of: tuple) { bytes in
            stride(from: 0, to: bytes.count, by: 16).map {
                unsafe bytes.loadUnaligned(fromByteOffset: $0, as: UInt128.self)
            }
        }
    }

    private static func store<Tuple: BitwiseCopyable>(_ registers: [UInt128], in tuple: inout Tuple) {
        // SAFETY: the tuple is a C array of 16-byte arrays; the copy stops at the shorter of the two.
        unsafe withUnsafeMutableBytes(of: &tuple) { bytes in
            unsafe registers.withUnsafeBytes { source in
                unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: source.prefix(bytes.count)))
            }
        }
    }
}
