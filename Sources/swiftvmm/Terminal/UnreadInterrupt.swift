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
