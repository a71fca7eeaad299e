import Testing

@testable import VMM

/// A good state with one thing spoiled, what four hosts did with it, and what the checker says.
struct EntryRow: Sendable, CustomTestStringConvertible {
    /// Begins with the mode: `real`, `pm32` or `long`.
    let name: String
    /// VT-x; VT-x without unrestricted guest and emulation of invalid guest state; AMD-V; PVM.
    let answers: [EntryHostAnswer]
    /// A part of the message; nil where the state passes.
    let refusal: String?
    /// Why the checker passes what a host does not take, in the manual's words or by what its input lacks.
    let exception: String?
    let spoil: @Sendable (inout CPUState) -> Void

    init(
        _ name: String, _ vtx: EntryHostAnswer, _ strictVTX: EntryHostAnswer, _ amdv: EntryHostAnswer,
        _ pvm: EntryHostAnswer, refused refusal: String? = nil, exception: String? = nil,
        spoil: @escaping @Sendable (inout CPUState) -> Void = { _ in }
    ) {
        self.name = name
        self.answers = [vtx, strictVTX, amdv, pvm]
        self.refusal = refusal
        self.exception = exception
        self.spoil = spoil
    }

    var testDescription: String { name }

    var isTakenEverywhere: Bool { answers.allSatisfy { $0 == .ok } }

    /// The good state of the row's mode.
    var base: CPUState {
        if name.hasPrefix("real") { return .real(entry: 0x7C00) }
        if name.hasPrefix("pm32") { return .protected(entry: 0x10_0000) }
        return .long(entry: 0x10_0000, bootParameters: 0x3000)
    }

    var state: CPUState {
        var state = base
        spoil(&state)
        return state
    }
}
