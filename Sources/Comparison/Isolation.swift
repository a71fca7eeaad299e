/// What stands between a program and the rest of the machine.
enum Isolation: String, CaseIterable, Encodable {
    case process
    case container
    case runc
    case podman
    case realMode = "machine-real"
    case longMode = "machine-long"
    case interrupts = "machine-long-irqchip"

    enum Kind: String, Encodable, CaseIterable {
        case process, container, machine

        /// In the key of a chart.
        var name: String {
            switch self {
            case .process: "host process"
            case .container: "containers"
            case .machine: "virtual machines"
            }
        }

        var colour: Ink {
            switch self {
            case .process: .gray
            case .container: .blue
            case .machine: .green
            }
        }
    }

    var kind: Kind {
        switch self {
        case .process: .process
        case .container, .runc, .podman: .container
        case .realMode, .longMode, .interrupts: .machine
        }
    }

    var name: String {
        switch self {
        case .process: "host process"
        case .container: "container"
        case .runc: "container by runc"
        case .podman: "container by podman"
        case .realMode: "machine, real mode"
        case .longMode: "machine, long mode"
        case .interrupts: "machine, --irqchip full"
        }
    }

    /// Whether it is no program of this project's: whatever it fails with is a reason.
    var isForeign: Bool { [.runc, .podman].contains(self) }

    /// Whether a machine may do without: then the reason is told in its row, instead of ending the comparison.
    var mayBeRefused: Bool { kind == .container || self == .interrupts }
}

/// Why something cannot be measured here, in words.
struct Refusal: Error {
    let reason: String
}

/// What came of one run.
enum IsolationOutcome<Round> {
    case measured(Round)
    case refused(Refusal)
}
