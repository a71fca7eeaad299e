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
    /// Real mode: sets up the PIC, writes the port, sleeps, and writes the port again when IRQ 5 comes.
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
        0xEB, 0xFC,  // jmp handler
    ]
}
