/// The words at 0x400 by which a PC's BIOS remembers, and which programs read and write too (IBM PC/AT Technical Reference, section 5,
/// "BIOS Data Area"). All of it is the guest's to change: who reads a word checks it.
enum BIOSDataArea {
    static let start: UInt64 = 0x400
    static let size = 0x100

    /// Four words: the serial ports.
    static let serialPorts: UInt64 = 0x400
    /// Of the extended data area.
    static let extendedSegment: UInt64 = 0x40E
    static let equipment: UInt64 = 0x410
    /// In KiB, below 640.
    static let memorySize: UInt64 = 0x413
    /// What shift keys are down, and which are locked, in two bytes.
    static let shiftFlags: UInt64 = 0x417
    /// Offsets in segment 0x40 of the next key and of the place behind the last one.
    static let keyHead: UInt64 = 0x41A
    static let keyTail: UInt64 = 0x41C
    static let floppyStatus: UInt64 = 0x441
    static let videoMode: UInt64 = 0x449
    static let columns: UInt64 = 0x44A
    static let pageSize: UInt64 = 0x44C
    static let pageStart: UInt64 = 0x44E
    /// Eight pairs of column and row.
    static let cursors: UInt64 = 0x450
    static let cursorShape: UInt64 = 0x460
    static let page: UInt64 = 0x462
    static let videoPort: UInt64 = 0x463
    static let ticks: UInt64 = 0x46C
    static let midnights: UInt64 = 0x470
    static let breakFlag: UInt64 = 0x471
    static let diskStatus: UInt64 = 0x474
    static let diskCount: UInt64 = 0x475
    /// Four bytes, in ticks.
    static let serialTimeouts: UInt64 = 0x47C
    /// Offsets in segment 0x40 of the ring of keys.
    static let keysStart: UInt64 = 0x480
    static let keysEnd: UInt64 = 0x482
    /// Rows of the screen, less one.
    static let lastRow: UInt64 = 0x484
    /// Of a character, in lines.
    static let characterHeight: UInt64 = 0x485
    static let videoControl: UInt64 = 0x487
    static let videoSwitches: UInt64 = 0x488
    static let modeSetControl: UInt64 = 0x489
    static let displayCombination: UInt64 = 0x48A
    /// Which keys came with a prefix, and the right shift keys.
    static let keyboardFlags: UInt64 = 0x496

    /// The ring of keys, in segment 0x40: 16 words, of which one is always free.
    static let keys: Range<UInt16> = 0x1E..<0x3E
}
