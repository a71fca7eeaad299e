/// A dictionary that is kept as a list, in the order in which the values came: the first dictionary of each type has Swift's runtime search
/// all that the program is made of for how its keys compare, which takes as long as a tiny guest's report otherwise does. The list
/// itself is behind the dollar sign; the dictionary is made each time that it is asked for.
@propertyWrapper
public struct ByName<Value> {
    /// Each name once.
    public internal(set) var projectedValue: [(name: String, value: Value)] = []

    public init() {}

    public internal(set) var wrappedValue: [String: Value] {
        get { Dictionary(projectedValue.map { ($0.name, $0.value) }) { _, last in last } }
        set { projectedValue = newValue.map { ($0.key, $0.value) } }
    }
}

extension ByName: Sendable where Value: Sendable {}

extension ByName: Encodable where Value: Encodable {
    public func encode(to encoder: any Encoder) throws {
        try wrappedValue.encode(to: encoder)
    }
}
