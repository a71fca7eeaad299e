import DeviceModel
import KVM

/// An exception, or an interrupt, that came to the table which the guest began with: it has no handler.
public struct GuestException: Equatable, Sendable {
    public let vector: UInt8
    /// Nil for those that have none.
    public let errorCode: UInt32?
    /// Whether the guest called the vector by INT, as far as that can be told: in real mode, by the bytes before the place.
    public let isCall: Bool
    /// Whether the guest was booted by a BIOS, which lacks what it called.
    public internal(set) var hasBIOS = false
    /// Whether it is the timer's interrupt, where a BIOS leaves it: at the vector of a double fault.
    public internal(set) var isTick = false
    /// As the exception found it.
    public internal(set) var state: CPUSnapshot

    /// Intel SDM vol. 3A table 7-1.
    private static let names: [UInt8: String] = [
        0: "#DE, a division by zero or one whose result is too large",
        1: "#DB, a debug exception",
        2: "an NMI",
        3: "#BP, a breakpoint",
        4: "#OF, an overflow",
        5: "#BR, an index out of bounds",
        6: "#UD, an invalid instruction",
        7: "#NM, an instruction for a floating-point unit that is switched off",
        8: "#DF, an exception while another one was being delivered",
        10: "#TS, a wrong task-state segment",
        11: "#NP, a segment that is not present",
        12: "#SS, a fault of the stack segment",
        13: "#GP, a violation of protection",
        14: "#PF, a page fault",
        16: "#MF, a floating-point error",
        17: "#AC, an address that is not aligned",
        18: "#MC, a machine check",
        19: "#XM, a SIMD floating-point error",
        20: "#VE, a virtualization exception",
        21: "#CP, a violation of control flow",
    ]

    /// Which of them come with an error code (the same table).
    static func hasErrorCode(_ vector: UInt8) -> Bool { [8, 10, 11, 12, 13, 14, 17, 21].contains(vector) }

    /// What came, in a few words.
    public var what: String {
        if isCall { return "INT \(hex(vector)) was called, with AX \(hex(state.registers.rax & 0xFFFF))" }
        if isTick { return "the timer's interrupt, at vector 8 where a BIOS puts it (program the PICs before STI)" }
        let name = Self.names[vector] ?? "interrupt \(hex(vector))"
        switch (vector, errorCode) {
        case (14, let code?): return "\(name): \(Self.access(code)) \(hex(state.special.cr2))"
        case (_, let code?) where code != 0: return "\(name), with error code \(hex(code))\(Self.gate(code))"
        default: return name
        }
    }

    /// A call as manuals of BIOSes name it: `INT 10h AX=4F02h`.
    private var call: String {
        let (number, ax) = (String(vector, radix: 16), String(state.registers.rax & 0xFFFF, radix: 16))
        func padded(_ text: String, _ count: Int) -> String {
            String(repeating: "0", count: max(0, count - text.count)) + text.uppercased()
        }
        return "INT \(padded(number, 2))h AX=\(padded(ax, 4))h"
    }

    /// What a page fault's code tells of the access (Intel SDM vol. 3A section 4.7).
    private static func access(_ code: UInt32) -> String {
        let kind = code & 16 != 0 ? "an instruction fetch from" : code & 2 != 0 ? "a write to" : "a read of"
        let cause =
            code & 8 != 0 ? "reserved bits in the tables for" : code & 1 != 0 ? "no permission for" : "no page at"
        return "\(cause) \(kind)"
    }

    /// An error code that means an interrupt table's entry (section 7.13).
    private static func gate(_ code: UInt32) -> String {
        code & 2 == 0 ? "" : ": interrupt \(hex(code >> 3 & 0xFF)) has no gate"
    }
}

extension GuestException: CustomStringConvertible {
    /// One line: what came, and where.
    public var description: String {
        if isCall, hasBIOS {
            return "the BIOS here has no such service: \(call) at \(state.callPlace)"
        }
        let advice = isCall ? "; only a boot sector has a BIOS here" : ""
        return "the guest has no handler for what came at \(state.place): \(what)\(advice)"
    }
}
