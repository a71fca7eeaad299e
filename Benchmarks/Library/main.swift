import Glibc
import VMM

// Times what a program does that uses the library, in this process:
//     library-benchmarks [NAME…]
// and makes, runs and ends machines one after the other, to be timed from outside beside a C program that does the same:
//     library-benchmarks machines COUNT
// `scripts/benchmark` calls it, in the package's folder and with the guests built.

if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "machines" {
    try runMachines(Int(CommandLine.arguments[2]) ?? 0)
    exit(EXIT_SUCCESS)
}
let all: [(name: String, run: () async throws -> Void)] = [
    ("dialogue", Dialogue.run), ("flood", Flood.run), ("spinning", Spinning.run),
]
let names = CommandLine.arguments.dropFirst()
for benchmark in all where names.isEmpty || names.contains(benchmark.name) { try await benchmark.run() }

/// Machines with a guest of five bytes, whose output is collected and looked at.
func runMachines(_ count: Int) throws {
    for _ in 0..<max(0, count) {
        // mov $'A', %al; out %al, $0xE9; hlt
        let configuration = MachineConfiguration(image: .bytes([0xB0, 0x41, 0xE6, 0xE9, 0xF4]))
        let finished = try VirtualMachine(configuration).run()
        guard try finished.reason == .halted, configuration.output.collected == [0x41] else { exit(1) }
    }
}

/// A machine that runs beside the task that asks for it.
func running(_ configuration: MachineConfiguration) -> Task<StopReason, any Error> {
    Task { try await VirtualMachine(configuration).run().reason }
}

/// Prints a line at once, whatever standard output is.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

/// Times in nanoseconds.
struct Figures: CustomStringConvertible {
    private let sorted: [Int64]

    init(_ times: [Int64]) { sorted = times.sorted() }

    var median: Int64 { sorted[sorted.count / 2] }

    var description: String {
        "median \(microseconds(median)), 99th percentile \(microseconds(sorted[sorted.count * 99 / 100]))"
    }
}

func microseconds(_ nanoseconds: Int64) -> String {
    let tenths = (nanoseconds + 50) / 100
    return "\(tenths / 10).\(tenths % 10) µs"
}

func milliseconds(_ nanoseconds: Int64) -> String {
    let hundredths = (nanoseconds + 5_000) / 10_000
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) ms"
}
