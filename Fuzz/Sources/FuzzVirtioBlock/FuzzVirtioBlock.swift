import CFuzzer
import FuzzInput

/// A driver that asks a block device for anything: no chain traps, what is done lies on the disk and in the chain's own buffers, and
/// what is said to be written was written.
@main
enum FuzzVirtioBlock {
    static func main() {
        // SAFETY: the arguments are the process's own; the target takes what libFuzzer lends it for the call.
        _ = unsafe cfuzzer_run(CommandLine.argc, CommandLine.unsafeArgv) { data, count in
            let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
            FuzzVirtioBlock.run(bytes)
            return 0
        }
    }

    /// The first byte says of which disk, the rest is steps, each an operation and what it needs.
    private static func run(_ bytes: [UInt8]) {
        var input = Input(bytes)
        let bench = BlockBench(shape: input.take(1))
        while let operation = input.next() { bench.step(operation, &input) }
    }
}
