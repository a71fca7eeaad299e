/// What `guests/compute-bench/work.c` computes, described a second time.
public enum BenchWork {
    private static func next(_ state: UInt64) -> UInt64 {
        var state = state
        state ^= state << 13
        state ^= state >> 7
        return state ^ (state << 17)
    }

    private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 { value << count | value >> (64 - count) }

    private static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// The checksum as it is printed, after so many steps of 65,536 operations.
    public static func checksum(_ work: String, steps: Int) -> String {
        var (state, sum) = (1 as UInt64, 0 as UInt64)
        var cells = work == "memory" ? Array(0..<UInt64(1 << 19)) : []
        for _ in 0..<steps * 65_536 {
            state = next(state)
            switch work {
            case "integer": sum = rotate(sum &+ state, 23) &* golden
            case "memory":
                let place = Int(state >> 45)
                sum &+= cells[place]
                cells[place] = sum ^ state
            default: sum = branch(sum, state)
            }
        }
        let digits = String(sum, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func branch(_ sum: UInt64, _ state: UInt64) -> UInt64 {
        switch state >> 61 {
        case 0: sum &+ state
        case 1: sum ^ state
        case 2: sum &- state
        case 3: rotate(sum, 7)
        case 4: sum &* 5
        case 5: ~sum
        case 6: sum &+ golden
        default: sum & 1 == 1 ? sum >> 1 : sum
        }
    }
}
