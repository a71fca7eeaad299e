import VMM

extension RunOptions {
    /// What nobody would see otherwise: what was asked for and has no effect on this machine, and what its guest looks for in vain.
    func notes(on plan: MachinePlan) -> [String] {
        withoutEffect(on: plan)
            + (plan.ignoredBytes > 0
                ? ["\(image) has \(plan.ignoredBytes) bytes behind what gzip packed, which are ignored"] : [])
            + plan.coveredTables.map { tables in
                "the guest finds no \(tables.name): its image (\(tables.imagePart)) lies where they would be, at \(hex(tables.address)); link it elsewhere"
            }
    }

    private func withoutEffect(on plan: MachinePlan) -> [String] {
        var options: [String] = []
        if grace != nil, plan.rsdp == nil {
            options.append("--grace has no effect, as the guest cannot know of a power button: \(Self.noACPI)")
        }
        if !cmdline.isEmpty, !plan.boot.protocol.takesCommandLine {
            let name = cmdline == described?.commandLine ? "the command line of \(config ?? "")" : "--cmdline"
            options.append("\(name) has no effect: a flat image, or a 32-bit one, is told of no command line")
        }
        if !usesEventFDs, !plan.devices.contains(where: \.kind.isVirtio) {
            let name = described?.eventfds == false ? "\"eventfds\" of \(config ?? "")" : "--no-eventfd"
            options.append("\(name) has no effect: the machine has no virtio device")
        }
        if screen != nil, let console {
            options.append(
                "the screen's keyboard has no keys: --console gives them to the \(console.label.name); leave it out")
        }
        return options
    }

    /// Why there are no ACPI tables, and what to do.
    static let noACPI =
        "it has no ACPI tables; guests in protected or long mode have them, with interrupt controllers (--irqchip full or split) and where their image leaves the memory of a PC's BIOS free"
}

extension DeviceKind {
    fileprivate var isVirtio: Bool {
        if case .virtio = self { true } else { false }
    }
}
