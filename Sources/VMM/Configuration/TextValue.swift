import DeviceModel

/// Values as people write them, on a command line or in a file. What is wrong with one is told behind the value itself: "it is …".
package enum TextValue {
    /// An amount of memory: bytes, or with K, M, G or T for powers of 1,024.
    ///
    /// - Returns: in bytes.
    /// - Throws: `VMMError.configuration` with the reason and the remedy, as all of these.
    package static func memory(_ text: String) throws(VMMError) -> UInt64 {
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
            throw .configuration("it is not an amount of memory; give bytes, or a number with K, M, G or T, as 64M")
        }
        let (bytes, overflow) = (UInt64(digits) ?? .max).multipliedReportingOverflow(by: unit ?? 1)
        guard !overflow, UInt64(digits) != nil else {
            throw .configuration("it is more than any machine has; use less")
        }
        return bytes
    }

    /// An amount in the largest unit that it is a whole number of.
    package static func text(ofMemory bytes: UInt64) -> String {
        let units: [(name: String, shift: UInt64)] = [("T", 40), ("G", 30), ("M", 20), ("K", 10)]
        let unit = units.first { bytes > 0 && bytes.trailingZeroBitCount >= $0.shift }
        return "\(bytes >> (unit?.shift ?? 0))\(unit?.name ?? "")"
    }

    /// A place in guest memory, as ``ImagePlace`` describes itself; an address may be decimal, too.
    package static func place(_ text: String) throws(VMMError) -> ImagePlace {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 2, let segment = UInt16(digits: parts[0], 16), let offset = UInt16(digits: parts[1], 16) {
            return .segment(segment, offset: offset)
        }
        let address = text.hasPrefix("0x") ? UInt64(digits: text[...], 16) : UInt64(digits: text[...], 10)
        guard let address else {
            throw .configuration(
                "it is no place in memory; give an address, as 0x100000 or 1048576, or in real mode SEGMENT:OFFSET, in hexadecimal, as 7C0:0"
            )
        }
        return .address(address)
    }

    /// A time that something may take, in seconds; nil for what is no number.
    package static func seconds(_ number: Double?) throws(VMMError) -> Double {
        guard let number, number > 0, number < 1e9 else {
            throw .configuration(
                "it is not a number of seconds above 0 and below 1000000000; give one, as 10 or 0.5")
        }
        return number
    }

    /// One of the words that there are.
    package static func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ text: String
    ) throws(VMMError) -> Value {
        guard let value = Value(rawValue: text) else { throw none(of: Value.allCases.map(\.rawValue)) }
        return value
    }

    static func none(of words: [String]) -> VMMError {
        let all = words.count > 1 ? "none of \(words.dropLast().joined(separator: ", ")) and" : "not"
        return .configuration("it is \(all) \(words.last ?? "")")
    }
}

extension FixedWidthInteger {
    /// Digits alone, without a sign, and before hexadecimal ones 0x or not.
    fileprivate init?(digits text: Substring, _ radix: Int) {
        let digits = radix == 16 && text.hasPrefix("0x") ? text.dropFirst(2) : text
        guard digits.utf8.first != UInt8(ascii: "-"), digits.utf8.first != UInt8(ascii: "+") else { return nil }
        self.init(digits, radix: radix)
    }
}
