import VMM

/// A machine's plan as a person reads it: a line for each range of memory, device and piece that is placed beside
/// the image.
struct PlanDescription {
    let text: String

    init(_ plan: MachinePlan) {
        var lines: [(name: String, value: String)] = [
            ("vCPUs", "\(plan.vcpuCount)"), ("irqchip", plan.interrupts.rawValue),
        ]
        for range in plan.memory.ranges {
            lines.append(("memory", "\(hex(range.start))-\(hex(range.end &- 1)) \(Self.name(range.kind))"))
        }
        for device in plan.devices {
            var value = "\(device.name), \(device.ranges.map(Self.describe).joined(separator: ", "))"
            if let gsi = device.gsi { value += ", GSI \(gsi)" }
            lines.append(("device", value))
        }
        for piece in plan.boot.pieces {
            switch piece.content {
            case .image: break
            case .module(_, let count):
                lines.append(("loads", "\(piece.name) to \(hex(piece.address)): \(count) bytes"))
            case .bytes(let bytes):
                lines.append(("table", "\(piece.name) at \(hex(piece.address)): \(bytes.count) bytes"))
            }
        }
        if !plan.commandLine.isEmpty { lines.append(("told", "the command line: \(plan.commandLine)")) }
        text = LabeledLines(lines).text
    }

    private static func name(_ kind: MemoryMap.Kind) -> String {
        switch kind {
        case .usable: "usable"
        case .kept: "RAM that is kept"
        case .untold: "RAM that the guest is told nothing of"
        case .reserved: "reserved"
        }
    }

    private static func describe(_ range: IORange) -> String {
        switch range {
        case .ports(let ports):
            ports.count == 1
                ? "port \(hex(ports.lowerBound))" : "ports \(hex(ports.lowerBound))-\(hex(ports.upperBound &- 1))"
        case .memory(let memory): "memory \(hex(memory.lowerBound))-\(hex(memory.upperBound &- 1))"
        }
    }
}
