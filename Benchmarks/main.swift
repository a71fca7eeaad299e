import Glibc

// Times two commands as whole processes, in turn, and prints their wall times and the ratio:
//     benchmarks RUNS SUBJECT [ARGUMENT…] -- BASELINE [ARGUMENT…]
// `scripts/benchmark` calls it with what is worth comparing.

/// Runs a command to its end with its output thrown away.
///
/// - Returns: the wall time in nanoseconds, or nil when it did not end with status 0.
func time(_ command: [String]) -> Int64? {
    // SAFETY: the strings are copies that live until they are freed below, and the list ends with a null pointer.
    var arguments = unsafe command.map { unsafe strdup($0) } + [nil]
    defer { for index in unsafe arguments.indices { unsafe free(arguments[index]) } }
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    let start = ContinuousClock.now
    var process: pid_t = 0
    var status: Int32 = 0
    guard unsafe posix_spawn(&process, command[0], &actions, nil, &arguments, environ) == 0,
        unsafe waitpid(process, &status, 0) == process, status == 0
    else { return nil }
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
}

func milliseconds(_ nanoseconds: Int64) -> String {
    let hundredths = (nanoseconds + 5_000) / 10_000
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) ms"
}

func describe(_ name: String, _ times: [Int64]) {
    let sorted = times.sorted()
    print(
        "\(name): median \(milliseconds(sorted[sorted.count / 2])), from \(milliseconds(sorted[0])) to "
            + milliseconds(sorted[sorted.count - 1]))
}

let words = CommandLine.arguments.dropFirst()
let commands = words.dropFirst().split(separator: "--").map(Array.init)
guard let runs = words.first.flatMap({ Int($0) }), runs > 0, commands.count == 2 else {
    print("usage: benchmarks RUNS SUBJECT [ARGUMENT…] -- BASELINE [ARGUMENT…]")
    exit(64)
}

var times: [[Int64]] = [[], []]
// The first pair only warms the machine up.
for run in 0...runs {
    for (index, command) in commands.enumerated() {
        guard let elapsed = time(command) else {
            print("benchmarks: \(command.joined(separator: " ")) failed")
            exit(1)
        }
        if run > 0 { times[index].append(elapsed) }
    }
}
for (command, times) in zip(commands, times) { describe(command.joined(separator: " "), times) }
let ratios = zip(times[0], times[1]).map { Double($0) / Double($1) }.sorted()
let hundredths = Int((ratios[ratios.count / 2] * 100).rounded())
print("ratio: median of \(runs) pairs \(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)")
