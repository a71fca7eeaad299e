import VMM

/// A host's report as a person reads it: a line for each trial.
struct HostDescription {
    let text: String

    init(_ report: HostReport) {
        var lines: [(name: String, value: String)] = [
            (
                "KVM",
                "\(Self.isUsable(report) ? "usable" : "not usable"); \(report.modules.isEmpty ? "built in" : report.modules.joined(separator: ", "))"
            ),
            ("backend", Self.text(report.backend, Self.describe)),
            ("nested", report.isNested ? "yes: this host is itself a virtual machine" : "no"),
            ("addresses", "\(report.physicalAddressBits) bits, guest-physical"),
        ]
        lines.append(("ring 0", Self.text(report.ring0Instruction, Self.describeInstruction)))
        lines.append(("ring 3", Self.text(report.ring3Instruction, Self.describeInstruction)))
        lines.append(("port exit", Self.text(report.portExit, Self.describe)))
        lines.append(("MMIO exit", Self.text(report.mmioExit, Self.describe)))
        lines.append(("ioeventfd", Self.text(report.ioeventfd, Self.describe)))
        lines.append(("coalesced I/O", Self.text(report.coalescedWrites, Self.describe)))
        lines.append(("irqfd", Self.text(report.irqfd, Self.describe)))
        lines.append(("single step", Self.text(report.singleStep, Self.describe)))
        text = LabeledLines(lines).text
    }

    /// Whether a guest of the first trial ran, in whichever way it ended.
    private static func isUsable(_ report: HostReport) -> Bool {
        if case .success = report.backend { true } else { false }
    }

    private static func text<Value>(_ outcome: HostReport.Outcome<Value>, _ describe: (Value) -> String) -> String {
        switch outcome {
        case .success(let value): describe(value)
        case .failure(let reason): "does not work: \(reason)"
        }
    }

    private static func describe(_ backend: HostReport.Backend) -> String {
        switch backend {
        case .vtx: "VT-x: it refuses a wrong CPU state as Intel's processors do"
        case .amdV: "AMD-V: it refuses a wrong CPU state as AMD's processors do"
        case .software: "software (PVM): it enters even a CPU state that VT-x and AMD-V refuse"
        case .unknown(let answer): "unknown: it answers a wrong CPU state with \(answer)"
        }
    }

    private static func describe(_ cost: HostReport.Cost) -> String {
        switch cost {
        case .nanoseconds(let time) where time >= 1000: "\(rounded(time / 1000)) µs"
        case .nanoseconds(let time): "\(rounded(time)) ns"
        case .tooSlow: "did not end within its time limit"
        }
    }

    private static func describeInstruction(_ cost: HostReport.Cost) -> String {
        guard case .nanoseconds(let time) = cost else { return describe(cost) }
        // No processor of the last decades needs so long; the slowest interpreters are far above it.
        return "\(describe(cost)) an instruction\(time > 50 ? ": interpreted" : "")"
    }

    private static func describe(_ works: Bool) -> String {
        works ? "works" : "does not work"
    }

    /// With three digits or so.
    private static func rounded(_ value: Double) -> String {
        let scale = value < 10 ? 100.0 : value < 100 ? 10 : 1
        let number = (value * scale).rounded() / scale
        return scale == 1 ? String(Int(number)) : String(number)
    }
}

/// An answer of one line for each thing: its name, and behind it, in a column, what there is to say.
struct LabeledLines {
    private static let column = 15

    let text: String

    init(_ lines: [(name: String, value: String)]) {
        text = lines.map { name, value in
            name + String(repeating: " ", count: max(1, Self.column - name.count)) + value
        }.joined(separator: "\n")
    }
}

/// A number as messages write it.
func hex(_ value: some BinaryInteger) -> String { "0x" + String(value, radix: 16) }
