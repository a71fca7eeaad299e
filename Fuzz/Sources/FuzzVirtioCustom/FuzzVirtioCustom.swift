import CFuzzer
import FuzzInput

/// A driver that puts what it likes into the ring of an embedder's virtio device, and takes it back when it likes, while the device answers
/// in any order: nothing traps or piles up, and no answer comes that was not given. The threads are left out, so that an input does the
/// same each time.
@main
enum FuzzVirtioCustom {
    static func main() {
        // SAFETY: the arguments are the process's own; the target takes what libFuzzer lends it for the call.
        _ = unsafe cfuzzer_run(CommandLine.argc, CommandLine.unsafeArgv) { data, count in
            let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
            FuzzVirtioCustom.run(bytes)
            return 0
        }
    }

    /// Steps, each an operation and what it needs; then a driver that does it right.
    private static func run(_ bytes: [UInt8]) {
        var input = Input(bytes)
        let bench = CustomBench()
        while let operation = input.next() { bench.step(operation, &input) }
        bench.finish()
    }
}
