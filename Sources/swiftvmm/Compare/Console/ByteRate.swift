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
