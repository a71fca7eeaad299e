import Synchronization
import VMM

/// A device in memory with an interrupt: so many milliseconds after a number is written to it, it interrupts. To read it ends that.
/// A number that comes before the interrupt changes nothing, so that one task waits at most, whatever the guest does.
final class Timer: BusDevice {
    private let line: (any InterruptLine)?
    private let state = Mutex((count: UInt64(0), isHigh: false, isWaiting: false))

    init(_ parts: CustomDeviceParts) { line = parts.interrupt }

    func read(offset: UInt64, width: Int) -> UInt64 {
        state.withLock { state in
            if state.isHigh { line?.setLevel(false) }
            state.isHigh = false
            return state.count
        }
    }

    func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect {
        let isFirst = state.withLock { state in
            defer { state.isWaiting = true }
            return !state.isWaiting
        }
        guard isFirst else { return .none }
        Task.detached {
            try await Task.sleep(for: .milliseconds(min(value, 1000)))
            self.state.withLock { state in
                state.isWaiting = false
                state.count &+= 1
                // The line is set in the device's lock, and only when its level changes.
                if !state.isHigh { self.line?.setLevel(true) }
                state.isHigh = true
            }
        }
        return .none
    }

    static let configuration = DeviceConfiguration.custom(
        CustomDeviceConfiguration(name: "timer", range: .memory(0xC000_0000..<0xC000_0008), wantsInterrupt: true) {
            Timer($0)
        })

    /// A flat protected-mode image, at 1 MiB. The first line that a device gets is IRQ 5, which comes to vector 0x25.
    static var guest: [UInt8] {
        var image = Image(code: [
            0xBE, 0x00, 0x01, 0x10, 0x00, 0xB9, 6, 0, 0, 0,  // mov $0x100100, %esi; mov $6, %ecx
            0xAD, 0x89, 0xC2, 0xAD, 0xEE, 0xE2, 0xF9,  // 1: lodsl; mov %eax, %edx; lodsl; out %al, %dx; loop 1b
            0x0F, 0x01, 0x1D, 0xF0, 0x00, 0x10, 0x00, 0xB9, 3, 0, 0, 0,  // lidt 0x1000F0; mov $3, %ecx
            0xC7, 0x05, 0x00, 0x00, 0x00, 0xC0, 5, 0, 0, 0,  // 2: movl $5, 0xC0000000
            0xFB, 0xF4, 0xFA, 0xE2, 0xF1,  // sti; hlt; cli; loop 2b
            0x66, 0xBA, 0x00, 0x05, 0x89, 0xD8, 0xEE,  // mov $0x500, %dx; mov %ebx, %eax; out %al, %dx
        ])
        // mov 0xC0000004, %ebx; mov $0x20, %al; out %al, $0x20 (end of interrupt); add $12, %esp; jmp to the CLI above.
        // An IRET would do the same, but hosts that run protected mode in software may lack it.
        image.put([0x8B, 0x1D, 0x04, 0x00, 0x00, 0xC0, 0xB0, 0x20, 0xE6, 0x20, 0x83, 0xC4, 12, 0xEB, 0x9A], at: 0x80)
        image.put([0x2F, 0x01, 0x00, 0x10, 0x10, 0x00], at: 0xF0)  // the interrupt table: limit and address
        // A port and a byte each: the first PIC begins at vector 0x20, and lets IRQ 5 through.
        image.put(words: [0x20, 0x11, 0x21, 0x20, 0x21, 0x04, 0x21, 0x01, 0x21, 0xDF, 0x20, 0x20], at: 0x100)
        image.put(words: [0x0010_0080, 0x0010_8E00], at: 0x1000 + 8 * 0x25)  // the gate: selector 0x10, offset 0x100080
        return image.bytes
    }
}
