import DeviceModel
import KVM
import LinuxHost

/// A machine with one of the trials' guests in it and no devices: what the guest does is seen as plain exits.
struct TrialMachine: ~Copyable {
    private static let memorySize: UInt64 = 2 << 20

    let machine: KVMVirtualMachine
    var vcpu: KVMVCPU
    /// The state that ``reset()`` sets; the guest begins with it.
    var state: CPUState
    private let timer: KickTimer

    init(
        _ system: borrowing KVMSystem, _ cpuid: CPUID, _ program: TrialProgram, withInterruptControllers: Bool = false
    ) throws {
        let entry = program.isReal ? LowMemory.realModeImage : LowMemory.flatImage
        let ram = try Self.makeRAM(program, entry: entry)
        let machine = try system.makeVirtualMachine()
        if withInterruptControllers { try machine.makeInterruptControllers() }
        try ram.map(into: machine)
        let vcpu = try machine.makeVCPU(id: 0)
        try vcpu.setCPUID(cpuid.forGuest(vcpu: 0, of: 1, hasLocalAPIC: withInterruptControllers))
        let state = Self.firstState(program, entry: entry)
        try vcpu.apply(state)
        let timer = try KickTimer()
        self.machine = machine
        self.vcpu = vcpu
        self.state = state
        self.timer = timer
    }

    private static func makeRAM(_ program: TrialProgram, entry: UInt64) throws -> GuestRAM {
        let ram = try GuestRAM(MemoryMap(size: memorySize, physicalAddressBits: 32))
        let information = BootInformation(memoryMap: ram.map.e820, commandLine: "")
        var free = FreeMemory(ram.map, without: [])
        let boot = BootProtocol(program.isReal ? .real : .long, entry: entry)
        for piece in try BootTables.pieces(for: boot, information, &free) {
            if case .bytes(let bytes) = piece.content {
                try ram.memory.write(bytes.span, at: GuestAddress(piece.address))
            }
        }
        try ram.memory.write(program.code.span, at: GuestAddress(entry))
        return ram
    }

    private static func firstState(_ program: TrialProgram, entry: UInt64) -> CPUState {
        var state =
            program.isReal
            ? CPUState.real(entry: UInt16(truncatingIfNeeded: entry))
            : CPUState.long(entry: entry, bootParameters: LowMemory.bootParameters)
        state.registers.rdx = UInt64(TrialProgram.port)
        state.registers.rbx = TrialProgram.device
        if case .ring3 = program { state.enterUserMode() }
        return state
    }

    /// Sets the first state.
    mutating func reset() throws {
        try vcpu.apply(state)
    }

    /// Runs to the next exit that is not a kick.
    ///
    /// - Returns: nil when `limit`, in nanoseconds, passes first.
    mutating func run(for limit: Int64) throws -> VCPUExit? {
        let end = MonotonicClock.now + limit
        try timer.arm(after: limit, every: 10_000_000)
        defer { timer.disarm() }
        while true {
            let exit = try vcpu.run()
            if exit != .interrupted { return exit }
            if MonotonicClock.now >= end { return nil }
        }
    }

    /// How long a counting loop of so many rounds takes from its first instruction to the exit at its end, in nanoseconds.
    ///
    /// - Returns: nil when it does not end in time.
    /// - Throws: ``TrialError`` when it ends in another way.
    mutating func time(rounds: UInt64) throws -> Int64? {
        state.registers.rcx = rounds
        try reset()
        let start = MonotonicClock.now
        switch try run(for: HostTrials.limit) {
        case .portWrite, .mmioWrite: return MonotonicClock.now - start
        case nil: return nil
        case let exit?: throw TrialError(exit: exit)
        }
    }
}

extension CPUState {
    /// Flat user-mode segments in place of the kernel's.
    fileprivate mutating func enterUserMode() {
        special.cs.selector |= 3
        special.cs.privilegeLevel = 3
        special.ss.selector |= 3
        special.ss.privilegeLevel = 3
        for segment in [\SpecialRegisters.ds, \.es, \.fs, \.gs] {
            special[keyPath: segment] = special.ss
        }
    }
}

/// The guests of the host's trials: a few instructions each, with the mode that they run in.
enum TrialProgram {
    case halt
    /// Counts RCX down to 0, then writes a port.
    case ring0
    /// The same in user mode, where the end is a write to memory that is not RAM: ports are not for everyone there.
    case ring3
    case portExits
    case mmioExits
    case writeAndHalt
    /// Writes 1, and then 2, with 32 bits to a register of the device, and halts.
    case ringTwice
    /// Real mode: sets up the PIC, writes the port, sleeps, and writes the port again when IRQ 5 comes, and once more when
    /// it has ended the interrupt.
    case interrupt

    static let port: UInt16 = 0x80
    /// Guest-physical and linear; no RAM is there.
    static let device: UInt64 = 0xD000_0000

    var isReal: Bool {
        if case .interrupt = self { true } else { false }
    }

    /// RDX holds the port and RBX the device's address.
    var code: [UInt8] {
        switch self {
        case .halt: [0xF4]  // hlt
        case .ring0:
            [
                0x48, 0xFF, 0xC9,  // again: dec %rcx
                0x75, 0xFB,  // jnz again
                0xEE,  // out %al, %dx
            ]
        case .ring3:
            [
                0x48, 0xFF, 0xC9,  // again: dec %rcx
                0x75, 0xFB,  // jnz again
                0x88, 0x03,  // mov %al, (%rbx)
            ]
        case .portExits: [0xEE, 0xEB, 0xFD]  // again: out %al, %dx; jmp again
        case .mmioExits: [0x88, 0x03, 0xEB, 0xFC]  // again: mov %al, (%rbx); jmp again
        case .writeAndHalt: [0xEE, 0xF4]  // out %al, %dx; hlt
        case .ringTwice:
            [
                0xC7, 0x43, 0x50, 0x01, 0x00, 0x00, 0x00,  // movl $1, 0x50(%rbx)
                0xC7, 0x43, 0x50, 0x02, 0x00, 0x00, 0x00,  // movl $2, 0x50(%rbx)
                0xF4,  // hlt
            ]
        case .interrupt: Self.interruptCode
        }
    }

    /// For 0000:7C00, the handler at its end.
    private static let interruptCode: [UInt8] = [
        0xC7, 0x06, 0x94, 0x00, 0x26, 0x7C,  // movw $handler, 0x25 * 4: the vector of IRQ 5
        0xC7, 0x06, 0x96, 0x00, 0x00, 0x00,  // movw $0, 0x25 * 4 + 2
        0xB0, 0x11, 0xE6, 0x20,  // ICW1: edge triggered, ICW4 follows (Intel 8259A data sheet)
        0xB0, 0x20, 0xE6, 0x21,  // ICW2: vectors from 0x20 on
        0xB0, 0x04, 0xE6, 0x21,  // ICW3: a second PIC at line 2
        0xB0, 0x01, 0xE6, 0x21,  // ICW4: 8086 mode
        0xB0, 0xDF, 0xE6, 0x21,  // only IRQ 5 is let through
        0xE6, 0x80,  // out %al, $0x80: ready
        0xFB,  // sti
        0xF4,  // sleep: hlt
        0xEB, 0xFD,  // jmp sleep
        0xE6, 0x80,  // handler: out %al, $0x80
        0xB0, 0x20, 0xE6, 0x20,  // end of interrupt
        0xE6, 0x80,  // out %al, $0x80
        0xEB, 0xFE,  // jmp to itself
    ]
}

/// A trial's guest left in a way that no known host makes it leave.
struct TrialError: Error, CustomStringConvertible {
    let exit: VCPUExit

    var description: String { "the trial ended in another way than it should: \(exit)" }
}
