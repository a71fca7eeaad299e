import ArgumentParser

/// An amount of memory as people write it: bytes, or with K, M, G or T for powers of 1,024.
struct MemorySize: Equatable, CustomStringConvertible {
    let bytes: UInt64
    let description: String

    /// - Throws: `ValidationError` that tells the reason and the remedy.
    static func parse(_ text: String) throws -> MemorySize {
        let unit: UInt64? =
            switch text.last {
            case "K", "k": 1 << 10
            case "M", "m": 1 << 20
            case "G", "g": 1 << 30
            case "T", "t": 1 << 40
            default: nil
            }
        let digits = unit == nil ? text[...] : text.dropLast()
        // UInt64 itself would take a sign.
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw ValidationError("it is not an amount of memory; give bytes, or a number with K, M, G or T, as 64M")
        }
        let (bytes, overflow) = (UInt64(digits) ?? .max).multipliedReportingOverflow(by: unit ?? 1)
        guard !overflow, UInt64(digits) != nil else {
            throw ValidationError("it is more than any machine has; use less")
        }
        return MemorySize(bytes: bytes, description: text)
    }
}

extension MemorySize {
    /// In the largest unit that it is a whole number of, as people write it.
    init(exactly bytes: UInt64) {
        let units: [(name: String, shift: UInt64)] = [("T", 40), ("G", 30), ("M", 20), ("K", 10)]
        let unit = units.first { bytes > 0 && bytes.trailingZeroBitCount >= $0.shift }
        self.init(bytes: bytes, description: "\(bytes >> (unit?.shift ?? 0))\(unit?.name ?? "")")
    }
}
