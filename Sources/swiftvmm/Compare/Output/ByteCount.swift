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
