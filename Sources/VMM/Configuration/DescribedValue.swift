/// A value as it stands in a file that describes a machine, before anybody looks at what it means.
package enum DescribedValue: Equatable, Sendable {
    case null
    case truth(Bool)
    case number(UInt64)
    /// Below 0.
    case negative(Int64)
    /// That is not whole, or larger than 64 bits.
    case fraction(Double)
    case text(String)
    case list([DescribedValue])
    case object([String: DescribedValue])
}

extension DescribedValue: Codable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    package init(from decoder: any Decoder) throws {
        if let members = try? decoder.container(keyedBy: Key.self) {
            self = .object(
                try members.allKeys.reduce(into: [:]) {
                    $0[$1.stringValue] = try members.decode(DescribedValue.self, forKey: $1)
                })
        } else if var elements = try? decoder.unkeyedContainer() {
            var list: [DescribedValue] = []
            while !elements.isAtEnd { list.append(try elements.decode(DescribedValue.self)) }
            self = .list(list)
        } else {
            self = try Self.plain(try decoder.singleValueContainer())
        }
    }

    private static func plain(_ value: any SingleValueDecodingContainer) throws -> DescribedValue {
        if value.decodeNil() { return .null }
        if let text = try? value.decode(String.self) { return .text(text) }
        if let truth = try? value.decode(Bool.self) { return .truth(truth) }
        if let number = try? value.decode(UInt64.self) { return .number(number) }
        if let number = try? value.decode(Int64.self) { return .negative(number) }
        return DescribedValue(try value.decode(Double.self))
    }

    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .object(let members):
            var container = encoder.container(keyedBy: Key.self)
            for (name, value) in members { try container.encode(value, forKey: Key(stringValue: name)) }
        case .list(let values):
            var container = encoder.unkeyedContainer()
            for value in values { try container.encode(value) }
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .truth(let value): try Self.encode(value, to: encoder)
        case .number(let value): try Self.encode(value, to: encoder)
        case .negative(let value): try Self.encode(value, to: encoder)
        case .fraction(let value): try Self.encode(value, to: encoder)
        case .text(let value): try Self.encode(value, to: encoder)
        }
    }

    private static func encode(_ value: some Encodable, to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

extension DescribedValue {
    package init(_ number: Double) {
        if let whole = UInt64(exactly: number) {
            self = .number(whole)
        } else if let whole = Int64(exactly: number) {
            self = .negative(whole)
        } else {
            self = .fraction(number)
        }
    }

    /// A number, whole or not.
    var double: Double? {
        switch self {
        case .number(let number): Double(number)
        case .negative(let number): Double(number)
        case .fraction(let number): number
        default: nil
        }
    }

    /// In messages, as in a file, and cut off where it is long.
    package var words: String {
        switch self {
        case .null: "null"
        case .truth(let value): "\(value)"
        case .number(let value): "\(value)"
        case .negative(let value): "\(value)"
        case .fraction(let value): "\(value)"
        case .text(let value):
            (value.unicodeScalars.count > 80 ? "\(String(value.unicodeScalars.prefix(80)))…" : value).debugDescription
        case .list: "[…]"
        case .object: "{…}"
        }
    }
}
