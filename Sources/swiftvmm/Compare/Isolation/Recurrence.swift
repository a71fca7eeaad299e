/// The computation that the works print the result of: s = 1, then again and again s = s · 1664525 + 1013904223 (mod 2³²).
struct Recurrence {
    /// Each of the first results.
    let states: [UInt32]

    init(steps: Int) {
        var (state, states) = (UInt32(1), [UInt32]())
        for _ in 0..<steps {
            state = state &* 1_664_525 &+ 1_013_904_223
            states.append(state)
        }
        self.states = states
    }

    var sum: UInt32 { states.reduce(0, &+) }

    /// Eight hexadecimal digits and a line's end.
    static func line(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits + "\n"
    }
}
