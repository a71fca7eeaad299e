import Glibc

/// A number as people read it: three digits that count, thousands apart; below a thousandth two digits and a power of ten.
struct ShortNumber: CustomStringConvertible {
    let description: String

    init(_ value: Double) {
        guard value.isFinite, abs(value) < 1e15 else {
            description = "\(value)"
            return
        }
        guard value != 0 else {
            description = "0"
            return
        }
        guard abs(value) >= 0.001 else {
            description = Self.scientific(value)
            return
        }
        // Where the third digit is: 10^0 for 123, 10^-2 for 1.23.
        let place = Int(log10(abs(value)).rounded(.down)) - 2
        let scale = pow(10, Double(abs(place)))
        let rounded = place < 0 ? (value * scale).rounded() / scale : (value / scale).rounded() * scale
        description = place < 0 ? Self.fraction(rounded, digits: -place) : Self.grouped(rounded)
    }

    /// Such as 1.5e-7.
    private static func scientific(_ value: Double) -> String {
        var exponent = Int(log10(abs(value)).rounded(.down))
        var tenths = Int((abs(value) / pow(10, Double(exponent)) * 10).rounded())
        // 9.96 is 10.0 when it is rounded.
        if tenths >= 100 { (tenths, exponent) = (10, exponent + 1) }
        let mantissa = tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
        return "\(value < 0 ? "-" : "")\(mantissa)e\(exponent)"
    }

    /// Without zeros at the end that say nothing.
    private static func fraction(_ value: Double, digits: Int) -> String {
        let scaled = Int64((abs(value) * pow(10, Double(digits))).rounded())
        var text = String(scaled)
        text = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
        let whole = text.dropLast(digits)
        let rest = String(text.suffix(digits).reversed().drop { $0 == "0" }.reversed())
        return (value < 0 ? "-" : "") + whole + (rest.isEmpty ? "" : ".\(rest)")
    }

    private static func grouped(_ value: Double) -> String {
        let digits = String(Int64(abs(value)))
        let head = digits.count % 3
        var groups = head > 0 ? [String(digits.prefix(head))] : []
        var rest = digits.dropFirst(head)
        while !rest.isEmpty {
            groups.append(String(rest.prefix(3)))
            rest = rest.dropFirst(3)
        }
        return (value < 0 ? "-" : "") + groups.joined(separator: ",")
    }
}
