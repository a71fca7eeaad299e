import CFuzzer
import FuzzInput

/// A boot sector that calls its BIOS as it likes, with a data area, a disk and keys that are what the input says: no call traps, and what
/// is not done changes no register.
@main
enum FuzzBIOS {
    static func main() {
        // SAFETY: the arguments are the process's own; the target takes what libFuzzer lends it for the call.
        _ = unsafe cfuzzer_run(CommandLine.argc, CommandLine.unsafeArgv) { data, count in
            var input = Input(unsafe Array(UnsafeBufferPointer(start: data, count: count)))
            let bench = BIOSFuzzBench(shape: input.take(1))
            while let operation = input.next() { bench.step(operation, &input) }
            bench.finish()
            return 0
        }
    }
}
