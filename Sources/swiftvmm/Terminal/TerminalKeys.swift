/// What the keys of a terminal are for: the guest, or swiftvmm itself after Ctrl-A.
struct TerminalKeys: Equatable {
    /// What a key asks for.
    enum Action: Equatable {
        case send(UInt8)
        case nothing
        case quit
        case help
    }

    static let controlA: UInt8 = 0x01
    static let controlC: UInt8 = 0x03

    static let help = """
        Ctrl-A x  ends the run
        Ctrl-A a  sends Ctrl-A to the guest
        Ctrl-A h  shows this help
        All other keys, Ctrl-C among them, go to the guest.
        """

    /// Whether Ctrl-A was pressed and the next key says what for.
    private var isCommand = false

    /// Takes the next key.
    mutating func press(_ key: UInt8) -> Action {
        guard isCommand else {
            isCommand = key == Self.controlA
            return isCommand ? .nothing : .send(key)
        }
        // Pressed twice it still waits for its command.
        isCommand = key == Self.controlA
        switch key {
        case UInt8(ascii: "x"): return .quit
        case UInt8(ascii: "a"): return .send(Self.controlA)
        case UInt8(ascii: "h"), UInt8(ascii: "?"): return .help
        default: return .nothing
        }
    }
}
