import CFuzzer
import FuzzInput

/// A driver that accesses a virtio-mmio device's registers as it likes, while the device interrupts and gives up when it likes: no
/// access traps or spins, the line is what InterruptStatus says, and the backend's life keeps its order.
@main
enum FuzzVirtioMMIO {
    static func main() {
        // SAFETY: the arguments are the process's own; the target takes what libFuzzer lends it for the call.
        _ = unsafe cfuzzer_run(CommandLine.argc, CommandLine.unsafeArgv) { data, count in
            let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
            FuzzVirtioMMIO.run(bytes)
            return 0
        }
    }

    /// Steps, each an operation and what it needs; then a reset, after which everything is as at first.
    private static func run(_ bytes: [UInt8]) {
        var input = Input(bytes)
        var transport = FuzzTransport()
        while let operation = input.next() { transport.step(operation, &input) }
        transport.finish()
    }
}
