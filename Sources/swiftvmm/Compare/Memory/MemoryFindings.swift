/// What the figures show, in sentences that are made from them.
struct MemoryFindings {
    let sentences: [String]

    init(_ rows: [MemoryRow]) {
        let own = { (isolation: Isolation) in rows.first { $0.isolation == isolation }?.figures?.isolationBytes.median }
        sentences =
            [
                Self.machine(own(.longMode), own(.process), own(.container)),
                Self.another(rows.first { $0.isolation == .longMode }?.figures),
                Self.engines(own(.podman), own(.longMode)),
            ].compactMap(\.self)
            + rows.flatMap(\.notes) + [
                "Memory of the kernel is in none of this: page tables, namespaces and control groups, KVM's own structures."
            ]
    }

    private static func machine(_ machine: Double?, _ process: Double?, _ container: Double?) -> String? {
        guard let machine, let process else { return nil }
        let other = container.map { "; a container, with the helper that waits for it, \(ByteCount($0))" } ?? ""
        return "Beside what its work touches, a virtual machine in long mode takes \(ByteCount(machine)) of memory"
            + "; a host process \(ByteCount(process))\(other)."
    }

    private static func another(_ machine: MemoryFigures?) -> String? {
        guard let machine else { return nil }
        let own = machine.anonymousBytes.median - Double(machine.workBytes)
        return "Most of it is swiftvmm's code, which further machines share: one more takes \(ByteCount(own))."
    }

    private static func engines(_ podman: Double?, _ machine: Double?) -> String? {
        guard let podman, let machine, machine > 0 else { return nil }
        return "With what an engine (podman) keeps running for it, a container takes \(ByteCount(podman))"
            + ", \(ShortNumber(podman / machine)) times what the machine takes."
    }
}
