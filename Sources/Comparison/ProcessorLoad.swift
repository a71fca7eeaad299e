import FoundationEssentials
import Glibc

/// What others had of the machine's processors while something was measured, which makes times uncertain.
struct ProcessorLoad {
    /// From this share on it is worth a word: what the kernel does for a comparison stays below it.
    private static let noticeableShare = 0.2

    /// Processor time since the start of the machine, in clock ticks.
    struct Times: Equatable {
        /// Of all processors together, idle or not.
        let all: UInt64
        /// What of it programs had, and what the host of a virtual machine took away.
        let used: UInt64
        /// What of that this process had, and the children that it has waited for.
        let own: UInt64

        /// Nil for anything but the first line of /proc/stat (proc(5)).
        init?(_ line: Substring, own: UInt64) {
            let fields = line.split(separator: " ")
            let times = fields.dropFirst().compactMap { UInt64($0) }
            guard fields.first == "cpu", times.count >= 8 else { return nil }
            // user, nice, system, idle, iowait, irq, softirq, steal. What guests have is in user and nice.
            all = times.prefix(8).reduce(0, &+)
            used = times[0] &+ times[1] &+ times[2] &+ times[7]
            self.own = own
        }

        static var now: Times? {
            let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8)
            var own = tms()
            // SAFETY: the caller's own.
            guard let line = text?.split(separator: "\n").first, unsafe times(&own) >= 0 else { return nil }
            let ticks = [own.tms_utime, own.tms_stime, own.tms_cutime, own.tms_cstime].reduce(0, +)
            return Times(line, own: UInt64(max(0, ticks)))
        }
    }

    private let start = Times.now

    /// Since this was made; nil where the system does not tell.
    var othersShare: Double? {
        guard let start, let now = Times.now else { return nil }
        return Self.othersShare(from: start, to: now)
    }

    /// Nil where no time has passed.
    static func othersShare(from start: Times, to end: Times) -> Double? {
        guard end.all > start.all else { return nil }
        let used = Double(end.used) - Double(start.used) - (Double(end.own) - Double(start.own))
        return min(max(0, used / (Double(end.all) - Double(start.all))), 1)
    }

    /// In words, where it is worth one.
    static func finding(_ othersShare: Double?) -> String? {
        guard let othersShare, othersShare >= noticeableShare else { return nil }
        return
            "The machine was busy: others had \(ShortNumber((othersShare * 100).rounded())) % of its processors meanwhile. "
            + "The times hold how long each subject waited for one, which is not the same for all: measure again when the machine does less else."
    }
}
