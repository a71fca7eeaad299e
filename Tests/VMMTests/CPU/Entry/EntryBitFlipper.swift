import KVM
import TestSupport

@testable import VMM

/// Flips bits of a state, of every part of it alike; the sequence follows from the seed.
struct EntryBitFlipper {
    var random: SplitMix64
    private let flips: [Flip]

    private typealias Flip = (inout CPUState, UInt64) -> Void

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        flips = Self.general + Self.special + Self.segments
    }

    mutating func goodState() -> CPUState {
        switch random.next() % 3 {
        case 0: .real(entry: 0x7C00)
        case 1: .protected(entry: 0x10_0000)
        default: .long(entry: 0x10_0000, bootParameters: 0x3000)
        }
    }

    mutating func flip(_ state: inout CPUState) {
        let part = Int(random.next() % UInt64(flips.count))
        flips[part](&state, random.next())
    }

    private static func number<Number: FixedWidthInteger>(_ path: WritableKeyPath<CPUState, Number>) -> Flip {
        { $0[keyPath: path] ^= 1 << Number(truncatingIfNeeded: $1 % UInt64(Number.bitWidth)) }
    }

    private static func set<Bits: OptionSet>(_ path: WritableKeyPath<CPUState, Bits>) -> Flip
    where Bits.RawValue == UInt64 {
        { $0[keyPath: path] = Bits(rawValue: $0[keyPath: path].rawValue ^ 1 << ($1 % 64)) }
    }

    private static var general: [Flip] {
        [
            number(\.registers.rax), number(\.registers.rsi), number(\.registers.rsp), number(\.registers.r15),
            number(\.registers.rip), number(\.registers.rip), set(\.registers.rflags), set(\.registers.rflags),
        ]
    }

    private static var special: [Flip] {
        [
            set(\.special.cr0), set(\.special.cr4), set(\.special.efer), set(\.special.cr0), set(\.special.cr4),
            number(\.special.cr2), number(\.special.cr3), number(\.special.cr8), number(\.special.apicBase),
            number(\.special.gdt.base), number(\.special.gdt.limit), number(\.special.idt.base),
            number(\.special.idt.limit),
        ]
    }

    private static var segments: [Flip] {
        let registers: [WritableKeyPath<CPUState, Segment>] = [
            \.special.cs, \.special.ss, \.special.ds, \.special.es, \.special.fs, \.special.gs, \.special.tr,
            \.special.ldt,
        ]
        let toggles: [WritableKeyPath<Segment, Bool>] = [
            \.isPresent, \.isCodeOrData, \.is32Bit, \.isLong, \.hasPageGranularity, \.isAvailable, \.isUnusable,
        ]
        return registers.flatMap { register -> [Flip] in
            toggles.map { toggle in { state, _ in state[keyPath: register.appending(path: toggle)].toggle() } }
                + [
                    number(register.appending(path: \.selector)), number(register.appending(path: \.base)),
                    number(register.appending(path: \.limit)), number(register.appending(path: \.type)),
                    number(register.appending(path: \.privilegeLevel)),
                ]
        }
    }
}
