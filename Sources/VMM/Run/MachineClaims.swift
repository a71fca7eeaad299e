import Synchronization

/// Whether an object that belongs to one machine has had one.
struct MachineClaim: ~Copyable, Sendable {
    private let isTaken = Atomic<Bool>(false)

    /// - Returns: whether it had none.
    func take() -> Bool { !isTaken.exchange(true, ordering: .sequentiallyConsistent) }
}

/// What belongs to one machine.
protocol Claimable: AnyObject, Sendable {
    /// For messages.
    var kind: String { get }
    /// - Returns: whether it has had no machine.
    func claim() -> Bool
}

/// What a configuration has of such objects, claimed before anything of the machine is made: none of another machine's is touched.
struct MachineClaims {
    /// Nil where the configuration has none, or an old one.
    let control: MachineControl?
    /// Those that are new.
    let consoleEnds: ConsoleEnds
    /// Why no machine can be made with them; nil where all are new.
    let refusal: VMMError?

    init(_ configuration: MachineConfiguration) {
        // In one configuration something may stand twice.
        var own: [ObjectIdentifier] = []
        var refusal: VMMError?
        func isOwn(_ object: any Claimable) -> Bool {
            let id = ObjectIdentifier(object)
            if own.contains(id) { return true }
            guard object.claim() else {
                let words = "the \(object.kind) has had a machine already; make a new one for each"
                refusal = refusal ?? .configuration(words)
                return false
            }
            own.append(id)
            return true
        }
        control = configuration.control.flatMap { isOwn($0) ? $0 : nil }
        for shared in configuration.sharedMemory { _ = isOwn(shared) }
        consoleEnds = ConsoleEnds(configuration.consoleEnds.filter { isOwn($0) })
        self.refusal = refusal
    }
}
