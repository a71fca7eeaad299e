import CFuzzer
import FuzzInput

/// A driver that puts what it likes into the rings of a virtio-console, while input comes and output goes: no step traps or spins, and
/// what is printed has a bound. The threads are left out, so that an input does the same each time.
@main
enum FuzzVirtioConsole {
    static func main() {
        // SAFETY: the arguments are the process's own; the target takes what libFuzzer lends it for the call.
        _ = unsafe cfuzzer_run(CommandLine.argc, CommandLine.unsafeArgv) { data, count in
            let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
            FuzzVirtioConsole.run(bytes)
            return 0
        }
    }

    /// Steps, each an operation and what it needs; then a driver that does it right.
    private static func run(_ bytes: [UInt8]) {
        var input = Input(bytes)
        let console = FuzzConsole()
        while let operation = input.next() { console.step(operation, &input) }
        console.finish()
    }
}
