import CFuzzer
import DeviceModel
import FuzzInput

/// A driver that writes what it likes, when it likes: no step of the device traps or spins, every buffer that it is given lies in
/// RAM, it writes nothing but the used ring, and what is broken stays broken.
@main
enum FuzzVirtqueue {
    static func main() {
        // SAFETY: the arguments are the process's own; the target takes what libFuzzer lends it for the call.
        _ = unsafe cfuzzer_run(CommandLine.argc, CommandLine.unsafeArgv) { data, count in
            let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
            FuzzVirtqueue.run(bytes)
            return 0
        }
    }

    /// The first byte says how the queue is made: bits 0 and 1 the features, bits 2 to 5 the size as a power of two, bit 6 that
    /// the layout follows in full. Four bytes of position, then steps.
    private static func run(_ bytes: [UInt8]) {
        var input = Input(bytes)
        let ram = FuzzMemory()
        let shape = input.take(1)
        let features = VirtqueueFeatures(rawValue: (shape & 3) << 28)
        let layout = shape & 0x40 == 0 ? FuzzMemory.layout(size: 1 << UInt32(shape >> 2 & 7)) : wildLayout(&input)
        let used = UInt16(input.take(2))
        let position = VirtqueuePosition(available: used &+ UInt16(input.take(2) & 7), used: used)
        let made: FuzzQueue?
        do throws(VirtqueueError) {
            made = FuzzQueue(
                try Virtqueue(layout: layout, features: features, memory: ram.memory, resumingAt: position), ram)
        } catch {
            precondition(!error.description.isEmpty)
            made = nil
        }
        guard var queue = made else { return }
        while let operation = input.next() { queue.step(operation, &input) }
        queue.finish()
    }

    /// Anything at all, which is seldom a queue.
    private static func wildLayout(_ input: inout Input) -> VirtqueueLayout {
        VirtqueueLayout(
            size: UInt32(input.take(4)), descriptorTable: GuestAddress(input.take(8)),
            availableRing: GuestAddress(input.take(8)), usedRing: GuestAddress(input.take(8)))
    }
}
