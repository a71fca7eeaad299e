/// 67 states, three good ones and 64 with one thing spoiled, each measured on VT-x (`kvm_intel` under Bochs 2.7, with
/// unrestricted guest and without), AMD-V (`kvm_amd` under QEMU 7.2) and PVM.
enum EntryTable {
    static let rows =
        good + systemSegments + codeAndStack + dataAndTables + flags + controlRegisters + real + protected + events

    static let good = [
        EntryRow("real: ok", .ok, .ok, .ok, .ok),
        EntryRow("long: ok", .ok, .ok, .ok, .ok),
        EntryRow("pm32: ok", .ok, .ok, .ok, .ok),
    ]

    /// Events and debug registers: the state that the checker sees is a good one.
    static let events = [
        EntryRow("long: STI+MOVSS shadow both", .ok, .ok, .ok, .ok),
        EntryRow("long: inject exception nr 2", .ok, .ok, .ok, .ok),
        EntryRow(
            "long: inject #GP no error code", .controlField, .controlField, .tripleFault, .tripleFault,
            exception: "an injected event is no part of CPUState"),
        EntryRow(
            "long: inject irq with IF=0", .guestState, .guestState, .tripleFault, .tripleFault,
            exception: "an injected event is no part of CPUState"),
        EntryRow("long: DR7 bit 32", .ok, .ok, .ok, .ok),
    ]
}
