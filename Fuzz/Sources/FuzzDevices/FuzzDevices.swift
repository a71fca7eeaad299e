import CFuzzer

/// A guest that does what it likes with the buses: no sequence of accesses traps, and no read gives more than its width.
@main
enum FuzzDevices {
    static func main() {
        // SAFETY: the arguments are the process's own; the target takes what libFuzzer lends it for the call.
        _ = unsafe cfuzzer_run(CommandLine.argc, CommandLine.unsafeArgv) { data, count in
            let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
            FuzzDevices.run(bytes)
            return 0
        }
    }

    /// Steps, each an operation and what it needs.
    private static func run(_ bytes: [UInt8]) {
        let platform = FuzzPlatform()
        var rest = bytes[...]
        while let operation = rest.popFirst() {
            if operation >= 0xF0 {
                ring(&rest, platform)
            } else if operation == 0xEF {
                platform.pressPowerButton()
            } else if operation & 0x80 != 0 {
                platform.bring(operation & 0x3F, toSecond: operation & 0x40 != 0)
            } else {
                step(operation, &rest, platform)
            }
        }
        platform.finish()
    }

    /// A request by hypercall: where it is said to be, and what stands there if that is in RAM.
    private static func ring(_ rest: inout ArraySlice<UInt8>, _ platform: FuzzPlatform) {
        let address = take(4, &rest)
        platform.ring(at: address, request: (0..<24).map { _ in rest.popFirst() ?? 0 })
    }

    /// One access. The operation's bit 0 says write, bits 1 to 3 the width less one, bit 4 memory, bits 5 and 6 how the
    /// address is given: a device and an offset, or two or eight bytes.
    private static func step(_ operation: UInt8, _ rest: inout ArraySlice<UInt8>, _ platform: FuzzPlatform) {
        let width = Int(operation >> 1 & 7) + 1
        let isMemory = operation & 0x10 != 0
        let starts = isMemory ? platform.memoryStarts : platform.portStarts
        let address: UInt64 =
            switch operation >> 5 & 3 {
            // One past each range and one before it are met by the offsets.
            case 0, 1: starts[Int(take(1, &rest)) % starts.count] &+ (take(1, &rest) & (isMemory ? 0x1F : 0xF)) &- 1
            case 2: take(2, &rest)
            default: take(8, &rest)
            }
        if operation & 1 != 0 {
            platform.write(at: address, width: width, value: take(width, &rest), isMemory: isMemory)
        } else {
            platform.read(at: address, width: width, isMemory: isMemory)
        }
    }

    /// The next bytes as a number, zeros where there are no more.
    private static func take(_ count: Int, _ rest: inout ArraySlice<UInt8>) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(rest.popFirst() ?? 0) << UInt64(index * 8) }
        return value
    }
}
