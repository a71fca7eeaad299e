/// Real-mode machine code for one test: pieces that run wherever they stand (Intel SDM vol. 2).
enum TinyGuest {
    static let halt: [UInt8] = [0xF4]
    /// Jumps to itself for ever.
    static let spin: [UInt8] = [0xEB, 0xFE]

    /// Prints on the debug console, byte by byte. Changes AL.
    static func print(_ text: some Sequence<UInt8>) -> [UInt8] {
        text.flatMap { [0xB0, $0, 0xE6, 0xE9] }
    }

    static func print(_ text: String) -> [UInt8] { print(text.utf8) }

    /// A whole guest: prints by one hypercall, so that either all of it was printed or nothing, and then does something else.
    static func printAtOnce(_ text: String, then end: [UInt8]) -> [UInt8] {
        let start: UInt32 = 0x7C00
        let code = 11 + end.count
        let request = start + UInt32((code + 7) / 8 * 8)
        // mov $0x510, %dx; mov $request, %eax; out %eax, %dx
        let call: [UInt8] = [0xBA] + bytes(0x510 as UInt16) + [0x66, 0xB8] + bytes(request) + [0x66, 0xEF]
        let padding = [UInt8](repeating: 0, count: Int(request - start) - code)
        // Operation 1, write; the status; the address; the length (docs/hypercall.md).
        let block =
            bytes(1 as UInt32) + bytes(~0 as UInt32) + bytes(UInt64(request + 24)) + bytes(UInt64(text.utf8.count))
        return call + end + padding + block + Array(text.utf8)
    }

    /// Prints one byte many times.
    static func print(_ byte: UInt8, times: Int) -> [UInt8] {
        [0xB0, byte] + loop(times, [0xE6, 0xE9])
    }

    /// Runs the body so often. It must keep ECX, and have 100 bytes at most.
    static func loop(_ count: Int, _ body: [UInt8]) -> [UInt8] {
        let start: [UInt8] = [0x66, 0xB9] + bytes(UInt32(count))  // mov ecx, count
        let end: [UInt8] = [0x66, 0x49, 0x75, back(body.count + 4)]  // dec ecx; jnz body
        return start + body + end
    }

    /// Runs the body for ever. It must have 100 bytes at most.
    static func forever(_ body: [UInt8]) -> [UInt8] {
        body + [0xEB, back(body.count + 2)]
    }

    /// Writes a byte to a port. Changes AL and DX.
    static func out(_ port: UInt16, _ value: UInt8) -> [UInt8] {
        [0xBA] + bytes(port) + [0xB0, value, 0xEE]
    }

    /// Writes two bytes to a port at once. Changes AX and DX.
    static func outWord(_ port: UInt16, _ value: UInt16) -> [UInt8] {
        [0xBA] + bytes(port) + [0xB8] + bytes(value) + [0xEF]
    }

    /// Reads a byte from a port. Changes AL and DX.
    static func read(_ port: UInt16) -> [UInt8] {
        [0xBA] + bytes(port) + [0xEC]
    }

    /// A jump backwards over so many bytes, itself included.
    private static func back(_ count: Int) -> UInt8 { UInt8(bitPattern: Int8(-count)) }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
