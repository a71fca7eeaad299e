import FoundationEssentials
import Glibc

/// Where a guest of this project is: `guests/build/NAME` in a folder above the executable, else above the current one.
struct GuestFile {
    let path: String

    /// One that nobody can name otherwise.
    init(named name: String) throws(ComparisonError) {
        try self.init(named: name, given: nil, remedy: "")
    }

    /// - Parameter given: the file that the user names instead.
    init(named name: String, given: String?) throws(ComparisonError) {
        try self.init(named: name, given: given, remedy: ", or name it with --guest")
    }

    private init(named name: String, given: String?, remedy: String) throws(ComparisonError) {
        if let given {
            // SAFETY: a C string for the length of the call.
            guard unsafe access(given, R_OK) == 0 else {
                throw .image("cannot read the guest \(given); name another file with --guest")
            }
            path = given
            return
        }
        let files = FileManager.default
        let executable = (try? files.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let candidates =
            Self.candidates(name, above: executable) + Self.candidates(name, above: files.currentDirectoryPath + "/.")
        guard let found = candidates.first(where: files.fileExists) else {
            throw .image("cannot find guests/build/\(name); build it with scripts/build-guests\(remedy)")
        }
        path = found
    }

    /// The nearest folder's first.
    static func candidates(_ name: String, above file: String) -> [String] {
        var folders = file.split(separator: "/").dropLast()
        var candidates: [String] = []
        while true {
            candidates.append(folders.map { "/" + $0 }.joined() + "/guests/build/\(name)")
            guard folders.popLast() != nil else { return candidates }
        }
    }
}

/// The files of one work: the program for the host, and the guests that do the same.
struct IsolatedWork {
    let process: String
    let longMode: String
    let realMode: String

    /// - Parameter name: such as `startup`, for `startup-process`, `startup-bench.elf` and `startup-real.bin`.
    init(named name: String) throws(ComparisonError) {
        process = try GuestFile(named: "\(name)-process").path
        longMode = try GuestFile(named: "\(name)-bench.elf").path
        realMode = try GuestFile(named: "\(name)-real.bin").path
    }

    var files: [String] { [process, longMode, realMode] }
}

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
