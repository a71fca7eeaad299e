import KVM
import Testing

@testable import VMM

/// A good state changed in a way that the measured table lacks, and what the manual makes of it.
struct EntryCase: Sendable, CustomTestStringConvertible {
    enum Base: Sendable {
        case real, protected, long, virtual8086
    }

    let name: String
    let base: Base
    /// A part of the message; nil where the state passes.
    let refusal: String?
    let authority: EntryAuthority?
    let spoil: @Sendable (inout CPUState) -> Void

    /// A state that passes.
    init(_ name: String, _ base: Base, spoil: @escaping @Sendable (inout CPUState) -> Void) {
        (self.name, self.base, self.refusal, self.authority, self.spoil) = (name, base, nil, nil, spoil)
    }

    init(
        _ name: String, _ base: Base, refused refusal: String, by authority: EntryAuthority = .vtx,
        spoil: @escaping @Sendable (inout CPUState) -> Void
    ) {
        (self.name, self.base, self.refusal, self.authority, self.spoil) = (name, base, refusal, authority, spoil)
    }

    var testDescription: String { name }

    var state: CPUState {
        var state =
            switch base {
            case .real: CPUState.real(entry: 0x7C00)
            case .protected: CPUState.protected(entry: 0x10_0000)
            case .long: CPUState.long(entry: 0x10_0000, bootParameters: 0x3000)
            case .virtual8086: CPUState.virtual8086
            }
        spoil(&state)
        return state
    }
}

extension CPUState {
    /// Protected mode with all segments as virtual-8086 mode has them, each at a base of its own.
    fileprivate static var virtual8086: CPUState {
        var state = CPUState.protected(entry: 0x100)
        state.registers.rflags.insert(.virtual8086)
        var segment = state.special.ds
        segment.type = 3
        segment.privilegeLevel = 3
        segment.limit = 0xFFFF
        segment.hasPageGranularity = false
        segment.is32Bit = false
        let registers: [WritableKeyPath<CPUState, Segment>] = [
            \.special.cs, \.special.ss, \.special.ds, \.special.es, \.special.fs, \.special.gs,
        ]
        for (register, selector) in zip(registers, UInt16(0x1003)...) {
            segment.selector = selector
            segment.base = UInt64(selector) << 4
            state[keyPath: register] = segment
        }
        return state
    }
}
