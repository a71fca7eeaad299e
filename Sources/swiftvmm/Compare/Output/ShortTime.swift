/// A time with a unit.
struct ShortTime: CustomStringConvertible {
    let description: String

    init(seconds: Double) {
        // A little less than a second is one already when it is rounded to three digits.
        description =
            seconds < 0.9995 ? "\(ShortNumber(seconds * 1000)) ms" : "\(ShortNumber(seconds)) s"
    }
}
