/// What libFuzzer made up, taken from the front.
public struct Input {
    private var rest: ArraySlice<UInt8>

    public init(_ bytes: [UInt8]) {
        rest = bytes[...]
    }

    public mutating func next() -> UInt8? {
        rest.popFirst()
    }

    /// The next bytes as a number, zeros where there are no more.
    public mutating func take(_ count: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<count { value |= UInt64(rest.popFirst() ?? 0) << UInt64(index * 8) }
        return value
    }
}
