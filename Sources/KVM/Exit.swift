/// Why the guest stopped running: plain values, decoded from `kvm_run` (Linux api.rst section 5).
public enum VCPUExit: Equatable, Sendable {
    /// An IN or INS. The answer goes into ``KVMVCPU/withPortData(_:)``.
    case portRead(PortAccess)
    /// An OUT or OUTS. The data is in ``KVMVCPU/withPortData(_:)``.
    case portWrite(PortAccess)
    /// A read of guest-physical memory that is not RAM, of `width` bytes (1 to 8). The answer goes to
    /// ``KVMVCPU/answerMMIORead(_:)``.
    case mmioRead(address: UInt64, width: UInt8)
    /// A write to guest-physical memory that is not RAM.
    case mmioWrite(address: UInt64, width: UInt8, value: UInt64)
    /// An RDMSR that KVM refuses, where ``KVMVirtualMachine/tellRefusedMSRs()`` was asked for; to be answered with
    /// ``KVMVCPU/refuseMSR()``.
    case msrRead(index: UInt32)
    /// The same for a WRMSR: KVM knows no such register, or none with this value.
    case msrWrite(index: UInt32, value: UInt64)
    /// HLT, where no interrupt controller is in the kernel.
    case halt
    /// A triple fault.
    case shutdown
    /// A kick or another signal ended the run.
    case interrupted
    /// The processor refused the guest's state. The reason is the hardware's own number.
    case entryFailure(reason: UInt64, cpu: UInt32)
    /// KVM gave up. With sub-error 1, its emulator lacks the instruction, whose bytes follow where the kernel gives them.
    case internalError(suberror: UInt32, instruction: InstructionBytes)
    /// A local APIC ended a level-triggered interrupt that was to be told (``KVMMSI/tellEnds(of:)``).
    case endOfInterrupt(vector: UInt8)
    /// The guest asked a device inside the kernel to end the machine, by KVM's number (`KVM_SYSTEM_EVENT_…`).
    case systemEvent(type: UInt32)
    /// A breakpoint or a step of guest debugging.
    case debug(exception: UInt32, instructionAddress: UInt64)
    /// The guest can take an interrupt now.
    case interruptWindowOpen
    case nonMaskableInterrupt
    /// An exit of the processor that KVM does not know, by the hardware's number.
    case unknownHardware(reason: UInt64)
    /// An exit that this library does not know, by KVM's number (`KVM_EXIT_…`).
    case unknown(reason: UInt32)
}

/// A port exit's shape: `count` elements of `width` bytes at one port. KVM gives a whole REP INS at once, and a REP OUTS
/// an element at a time.
public struct PortAccess: Equatable, Sendable {
    public let port: UInt16
    /// In bytes: 1, 2 or 4.
    public let width: UInt8
    public let count: UInt32

    public init(port: UInt16, width: UInt8, count: UInt32) {
        self.port = port
        self.width = width
        self.count = count
    }
}

/// Up to 15 bytes of an instruction (Intel SDM vol. 2A section 2.3.11), held without allocation.
public struct InstructionBytes: Equatable, Sendable, CustomStringConvertible {
    private let low: UInt64
    private let high: UInt64
    public let count: Int

    /// - Parameters:
    ///   - low: bytes 0 to 7, little-endian.
    ///   - high: bytes 8 to 14.
    init(low: UInt64, high: UInt64, count: Int) {
        self.low = low
        self.high = high
        self.count = min(max(0, count), 15)
    }

    public init(_ bytes: some Sequence<UInt8>) {
        var low: UInt64 = 0
        var high: UInt64 = 0
        var count = 0
        for byte in bytes.prefix(15) {
            if count < 8 { low |= UInt64(byte) << (8 * count) } else { high |= UInt64(byte) << (8 * (count - 8)) }
            count += 1
        }
        self.init(low: low, high: high, count: count)
    }

    public var bytes: [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 < 8 ? low >> (8 * $0) : high >> (8 * ($0 - 8))) }
    }

    /// In hexadecimal, as a disassembler takes them: `0f 0b`.
    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }
}
