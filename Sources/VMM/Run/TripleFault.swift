import DeviceModel
import KVM

/// A fault while the processor handled a double fault, which stops it.
public struct TripleFault: Equatable, Sendable {
    public internal(set) var state: CPUSnapshot

    /// How far below the stack pointer a push can reach: an exception's frame, or a call with its arguments.
    private static let pushSize: UInt64 = 64

    /// The first exception, where the state shows it.
    var cause: String? {
        if state.isAfterReset {
            return
                "this host resets the processor before anyone can look at it; to see the exception, keep the interrupt table that the guest begins with until its own is ready"
        }
        // 0 is what CR2 has where no page fault ever came.
        let fault = state.special.cr2
        let distance = (state.stackAddress &- fault) & (state.mode == .long ? .max : 0xFFFF_FFFF)
        if state.special.cr0.contains(.paging), fault != 0, distance <= Self.pushSize {
            return
                "its stack has run over: RSP is \(hex(state.registers.rsp)), and the last page fault was at \(hex(fault))"
        }
        if state.stack.isEmpty { return "its stack at \(hex(state.stackAddress)) is not in memory" }
        let table = state.special.idt.limit == 0 ? "its interrupt table is empty (limit 0)" : nil
        let exception = state.instruction.bytes.starts(with: [0x0F, 0x0B]) ? "#UD, an invalid instruction (ud2)" : nil
        switch (exception, table) {
        case (let exception?, let table?): return "\(exception), and \(table)"
        case (let one?, nil), (nil, let one?): return one
        case (nil, nil): return nil
        }
    }
}

extension TripleFault: CustomStringConvertible {
    /// One line: what happened, where, and why if that can be seen.
    public var description: String {
        let place = state.isAfterReset ? "" : " at \(state.place)"
        return "the guest caused a triple fault\(place), an exception that it could not handle"
            + (cause.map { ": \($0)" } ?? "")
    }
}
