import Glibc
import LinuxHost
import VMM

// Times what a program does that uses the library, in this process:
//     library-benchmarks [NAME…]
// `scripts/benchmark` calls it, in the package's folder and with the guests built.

let all: [(name: String, run: () async throws -> Void)] = [("dialogue", Dialogue.run), ("flood", Flood.run)]
let names = CommandLine.arguments.dropFirst()
for benchmark in all where names.isEmpty || names.contains(benchmark.name) { try await benchmark.run() }

/// Prints a line at once, whatever standard output is.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

/// A machine that runs on a thread of its own.
final class Running: Sendable {
    private let results: AsyncStream<Result<StopReason, VMMError>>

    init(_ configuration: MachineConfiguration) throws {
        let (results, result) = AsyncStream.makeStream(of: Result<StopReason, VMMError>.self)
        self.results = results
        _ = try SystemThread {
            do throws(VMMError) {
                var machine = try VirtualMachine(configuration)
                result.yield(.success(try machine.run()))
            } catch {
                result.yield(.failure(error))
            }
            result.finish()
        }
    }

    /// Waits for it. All its guests end by themselves.
    @discardableResult
    func end() async throws -> StopReason? {
        for await result in results { return try result.get() }
        return nil
    }
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
