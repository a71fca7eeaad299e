/// The few bytes of machine code, and the tables, that a BIOS needs in the guest's own memory: what an interrupt leads to, the way to a
/// wait, the self test that ends in the boot sector, and what programs look for at fixed places. All else is done outside.
///
/// Each routine tells by a write to a port of its own, whose instruction pointer says which it is.
public struct BIOSCode: Sendable {
    /// What a write to the port asks for.
    public enum Call: Equatable, Sendable {
        /// An interrupt came.
        case interrupt(UInt8)
        /// Another interrupt has come while INT 15h AH=86h waits.
        case goesOnWaiting
        /// The self test is done, and the boot sector is to begin.
        case start
        /// A jump to the processor's reset vector.
        case reset
    }

    /// The code of a vector without a routine of its own: `OUT port, AL; IRET; NOP`.
    public static func stub(port: UInt8) -> [UInt8] { [0xE6, port, 0xCF, 0x90] }
    /// How long that is, and its write, in bytes.
    public static let stubSize: UInt16 = 4
    public static let outSize: UInt16 = 2

    public static let segment: UInt16 = 0xF000

    // Offsets in the segment.
    private static let timer: UInt16 = 0x400
    private static let keyboard: UInt16 = 0x410
    private static let nothing: UInt16 = 0x420
    private static let keyWait: UInt16 = 0x430
    private static let timeWait: UInt16 = 0x440
    /// Where the IBM PC's self test begins, and where the processor does.
    public static let selfTest: UInt16 = 0xE05B
    private static let resetVector: UInt16 = 0xFFF0

    /// The self test's write comes behind what it sets up.
    private static let start = selfTest &+ UInt16(setUp.count)

    let port: UInt8

    /// - Parameter port: by which the routines tell.
    public init(port: UInt8) {
        self.port = port
    }

    /// What a write to the port asks for.
    ///
    /// - Parameter offset: in the segment, of the instruction behind the write; nil where none of the routines writes before it.
    public func call(before offset: UInt16) -> Call? {
        let place = offset &- Self.outSize
        switch place {
        case 0..<256 * Self.stubSize where place % Self.stubSize == 0:
            return .interrupt(UInt8(truncatingIfNeeded: place / Self.stubSize))
        case Self.timer: return .interrupt(8)
        case Self.keyboard: return .interrupt(9)
        // Behind STI, HLT and CLI.
        case Self.timeWait &+ 3: return .goesOnWaiting
        case Self.start: return .start
        case Self.resetVector: return .reset
        default: return nil
        }
    }

    /// Where a call goes on that waits for a key: it sleeps, and then is made again.
    public static let wayToKeyWait = keyWait
    /// Where one goes on that waits for a time.
    public static let wayToTimeWait = timeWait

    /// What stands at 0: for each vector the offset and the segment of its routine, or of what it leads to instead (Intel SDM vol. 3A
    /// section 21.1.4).
    public var interruptTable: [UInt8] {
        var table = [UInt8](repeating: 0, count: 256 * 4)
        for vector in 0..<256 {
            let offset: UInt16 =
                switch vector {
                case 0x08: Self.timer
                case 0x09: Self.keyboard
                // An interrupt of the PICs that nobody made, Ctrl-Break, the tick of programs, and the clock's alarm.
                case 0x0F, 0x77, 0x1B, 0x1C, 0x4A: Self.nothing
                case 0x1E: BIOSTables.floppyParameters
                default: UInt16(vector) * Self.stubSize
                }
            table.storeLittleEndian(offset, at: vector * 4)
            table.storeLittleEndian(Self.segment, at: vector * 4 + 2)
        }
        return table
    }

    /// What stands in the segment: names, offsets and bytes.
    public var pieces: [(name: String, offset: UInt16, bytes: [UInt8])] {
        let out: [UInt8] = [0xE6, port]
        // PUSH AX; MOV AL, 20h; OUT 20h, AL; POP AX; IRET: the end of the interrupt, for the first PIC.
        let end: [UInt8] = [0x50, 0xB0, 0x20, 0xE6, 0x20, 0x58, 0xCF]
        let sleep: [UInt8] = [0xFB, 0xF4, 0xFA]
        // JMP to the keyboard's own vector.
        let back = 0x16 * Self.stubSize &- (Self.keyWait &+ 6)
        return [
            ("BIOS interrupts", 0, (0..<256).flatMap { _ in Self.stub(port: port) }),
            ("BIOS timer", Self.timer, out + [0xCD, 0x1C] + end),
            ("BIOS keyboard", Self.keyboard, out + end),
            ("BIOS nothing", Self.nothing, [0xCF]),
            ("BIOS key wait", Self.keyWait, sleep + [0xE9, back.low, back.high]),
            ("BIOS time wait", Self.timeWait, sleep + out + [0xCF]),
            // STI; JMP 0000:7C00.
            ("BIOS self test", Self.selfTest, Self.setUp + out + [0xFB, 0xEA, 0x00, 0x7C, 0x00, 0x00]),
            ("BIOS tables", BIOSTables.configuration, BIOSTables.configurationBytes),
            ("BIOS floppy parameters", BIOSTables.floppyParameters, BIOSTables.floppyParameterBytes),
            // A jump here begins anew; behind it HLT for ever, then a date, and what kind of PC it is: an AT.
            (
                "BIOS reset vector", Self.resetVector,
                out + [0xF4, 0xEB, 0xFD] + Array("01/01/26".utf8) + [0x00, BIOSTables.model, 0x00]
            ),
        ]
    }

    /// The PICs (Intel 8259A, "Initialization Command Words"), and channel 0 of the timer (Intel 8254, "Control Word Format").
    private static let setUp: [UInt8] =
        [
            (0x20, 0x11), (0xA0, 0x11), (0x21, BIOSInterrupts.master.firstVector),
            (0xA1, BIOSInterrupts.slave.firstVector), (0x21, 0x04), (0xA1, 0x02), (0x21, 0x01), (0xA1, 0x01),
            (0x21, BIOSInterrupts.master.mask), (0xA1, BIOSInterrupts.slave.mask),
            (0x43, 0x30 | BIOSInterrupts.timerMode << 1), (0x40, BIOSInterrupts.timerCount.low),
            (0x40, BIOSInterrupts.timerCount.high),
        ].flatMap { port, value in [0xB0, value, 0xE6, port] }
}

/// How a PC's BIOS leaves the interrupt controllers and the timer (IBM PC/AT Technical Reference, section 5): all but timer, keyboard and
/// the slave masked, and 18.2 ticks a second, by square waves.
public enum BIOSInterrupts {
    public static let master = (firstVector: UInt8(0x08), mask: UInt8(0xF8))
    public static let slave = (firstVector: UInt8(0x70), mask: UInt8(0xFF))
    public static let timerMode: UInt8 = 3
    public static let timerCount: UInt16 = 0
}

/// Tables of a PC's BIOS that programs look for, in its segment.
enum BIOSTables {
    static let segment = BIOSCode.segment
    /// An AT.
    static let model: UInt8 = 0xFC

    /// What INT 15h AH=C0h tells of (IBM PC/AT Technical Reference, section 5): second PIC and clock (70h), extended data area (04h).
    static let configuration: UInt16 = 0xE6F5
    static let configurationBytes: [UInt8] = [8, 0, model, 0, 1, 0x64, 0, 0, 0, 0]

    /// What INT 1Eh's vector leads to, for 1.44 MB: no program has a motor to wait for, but some copy and change it.
    static let floppyParameters: UInt16 = 0xEFC7
    static let floppyParameterBytes: [UInt8] = [0xDF, 0x02, 0x25, 0x02, 18, 0x1B, 0xFF, 0x6C, 0xF6, 0x0F, 0x08]
}
