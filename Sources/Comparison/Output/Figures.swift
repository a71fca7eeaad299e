import Glibc

/// Several measurements of one thing: the middle one, and how far they reach.
struct Spread: Encodable, Equatable {
    let median: Double
    let min: Double
    let max: Double

    /// - Returns: nil where there is nothing.
    init?(_ values: [Double]) {
        let sorted = values.sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        let (low, high) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
        (median, min, max) = ((low + high) / 2, first, last)
    }
}

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

/// A time with a unit.
struct ShortTime: CustomStringConvertible {
    let description: String

    init(seconds: Double) {
        // A little less than a second is one already when it is rounded to three digits.
        description =
            seconds < 0.9995 ? "\(ShortNumber(seconds * 1000)) ms" : "\(ShortNumber(seconds)) s"
    }
}

/// Bytes with a unit, of powers of 1,024.
struct ByteCount: CustomStringConvertible {
    let description: String

    init(_ bytes: Double) {
        let units: [(scale: Double, name: String)] = [(0x1p30, "GiB"), (0x1p20, "MiB"), (0x1p10, "KiB")]
        // A little less than the scale is it already when it is rounded to three digits.
        let unit = units.first { abs(bytes) >= $0.scale * 0.9995 } ?? (1, "B")
        description = "\(ShortNumber(bytes / unit.scale)) \(unit.name)"
    }
}

/// Bytes per second with a unit, of powers of 1,000.
struct ByteRate: CustomStringConvertible {
    private static let units: [(scale: Double, name: String)] = [
        (1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1, "B/s"),
    ]

    let bytesPerSecond: Double

    init(_ bytesPerSecond: Double) {
        self.bytesPerSecond = bytesPerSecond
    }

    var description: String { "\(ShortNumber(bytesPerSecond / unit.scale)) \(unit.name)" }

    /// Two rates in the unit of this one, such as `1.2–1.4`.
    func range(_ low: Double, _ high: Double) -> String {
        "\(ShortNumber(low / unit.scale))–\(ShortNumber(high / unit.scale))"
    }

    private var unit: (scale: Double, name: String) {
        // A little less than the scale is it already when it is rounded to three digits.
        Self.units.first { bytesPerSecond >= $0.scale * 0.9995 } ?? (1, "B/s")
    }
}
