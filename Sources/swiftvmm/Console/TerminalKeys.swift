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

/// Finds out, once in a run, that a guest does not read Ctrl-C. Whoever pressed it wants to be told what does end the run.
struct UnreadInterrupt {
    typealias Instant = ContinuousClock.Instant

    /// How long a guest may take.
    static let patience: Duration = .seconds(1)

    /// The key that is watched: how many keys went to the guest up to it, and when it must have been read.
    private var watched: (count: Int, deadline: Instant)?
    private var hasTold = false

    /// Ctrl-C was pressed, and is the key number `count` for the guest.
    mutating func pressed(count: Int, at now: Instant) {
        guard !hasTold, watched == nil else { return }
        watched = (count, now + Self.patience)
    }

    /// When to look next, if at all.
    var deadline: Instant? { watched?.deadline }

    /// Whether the user should be told now.
    ///
    /// - Parameter read: how many keys the guest has read.
    mutating func isDue(read: Int, at now: Instant) -> Bool {
        guard let (count, deadline) = watched else { return false }
        if read >= count {
            watched = nil
            return false
        }
        guard now >= deadline else { return false }
        watched = nil
        hasTold = true
        return true
    }
}
