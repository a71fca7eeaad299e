import CFuzzer
import DeviceModel

@testable import VMM

/// A guest that does what it likes with the buses: no sequence of accesses traps, and no read gives more than its width.
@main
enum FuzzDevices {
    /// Where devices are, so that an input need not find that out. One past each range and one before it are met by the
    /// offsets.
    private static let starts: [UInt64] = [0x60, 0x64, 0x70, 0x80, 0x92, 0xE9, 0xF4, 0x3F8, 0x500, 0x604, 0xCF9]

    static func main() {
        // SAFETY: the arguments are the process's own; the target takes what libFuzzer lends it for the call.
        _ = unsafe cfuzzer_run(CommandLine.argc, CommandLine.unsafeArgv) { data, count in
            let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: count))
            FuzzDevices.access(bytes)
            return 0
        }
    }

    private static func access(_ bytes: [UInt8]) {
        let output = ConsoleOutput(collectingUpTo: 4_096)
        let input = ConsoleInput(queueOf: 64)
        let outputs = ConsoleOutputs(main: output, serial: nil)
        guard let ram = try? GuestRAM(MemoryMap(size: 1 << 20, physicalAddressBits: 36)),
            let platform = try? Platform(
                memory: ram.memory, outputs: outputs, input: input, interrupts: .messages(CheckedMessages()))
        else { preconditionFailure("no platform") }
        var rest = bytes[...]
        while let operation = rest.popFirst() {
            if operation >= 0xF0 {
                ring(&rest, ram.memory, platform)
            } else if operation & 0x80 != 0 {
                bring(operation & 0x7F, to: input, platform)
            } else {
                step(operation, &rest, platform)
            }
        }
        _ = output.flush { _ in true }
        precondition(output.collected.count <= 4_096)
        // The report is made of what the guest did.
        var report = RunReport()
        report.add(platform)
        precondition(report.unmappedPorts.count <= 257 && report.unmappedMemory.count <= 257)
    }

    /// A request by hypercall: where it is said to be, and what stands there if that is in RAM.
    private static func ring(_ rest: inout ArraySlice<UInt8>, _ memory: GuestMemory, _ platform: Platform) {
        let address = GuestAddress(take(4, &rest))
        var request: [UInt8] = []
        for _ in 0..<24 { request.append(rest.popFirst() ?? 0) }
        try? memory.write(request.span, at: address)
        guard let wait = platform.hypercalls.ring(at: address) else { return }
        platform.hypercalls.finish(
            wait, hasInput: wait.nanoseconds & 1 != 0, hasInterrupt: wait.nanoseconds & 2 != 0)
    }

    /// So many bytes come on the line, and the port is told, as for a guest that waits for an interrupt.
    private static func bring(_ count: UInt8, to input: ConsoleInput, _ platform: Platform) {
        _ = input.append((0..<count).map { $0 })
        let hadRoom = platform.serial.pullInput {} > 0
        precondition(!hadRoom || input.unreadCount == 0)
    }

    /// One access. The operation's bit 0 says write, bits 1 to 3 the width less one, bit 4 memory, bits 5 and 6 how the
    /// address is given: a device and an offset, or two or eight bytes.
    private static func step(_ operation: UInt8, _ rest: inout ArraySlice<UInt8>, _ platform: Platform) {
        let width = Int(operation >> 1 & 7) + 1
        let bus = operation & 0x10 != 0 ? platform.mmio : platform.ports
        let address: UInt64 =
            switch operation >> 5 & 3 {
            case 0 where operation & 0x10 != 0, 1 where operation & 0x10 != 0:
                Platform.ioAPICAddress &+ (take(1, &rest) & 0x1F)
            case 0, 1:
                starts[Int(take(1, &rest)) % starts.count] &+ (take(1, &rest) & 0xF) &- 1
            case 2: take(2, &rest)
            default: take(8, &rest)
            }
        if operation & 1 != 0 {
            bus.write(at: address, width: width, value: take(width, &rest))
        } else {
            let value = bus.read(at: address, width: width)
            precondition(width == 8 || value >> UInt64(width * 8) == 0)
        }
    }

    /// The next bytes as a number, zeros where there are no more.
    private static func take(_ count: Int, _ rest: inout ArraySlice<UInt8>) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(rest.popFirst() ?? 0) << UInt64(index * 8) }
        return value
    }
}
