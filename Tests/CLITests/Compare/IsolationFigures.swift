import FoundationEssentials

/// What `--json` writes, as another program reads it.
struct IsolationFigures: Decodable {
    struct Spread: Decodable {
        let median: Double
        let min: Double
        let max: Double
    }

    struct Row: Decodable {
        let subject: String
        let kind: String
        let figures: [String: Value]?
        let refusal: String?
    }

    enum Value: Decodable {
        case spread(Spread)
        case number(Double)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Double.self) {
                self = .number(number)
            } else {
                self = .spread(try container.decode(Spread.self))
            }
        }

        var middle: Double {
            switch self {
            case .spread(let spread): spread.median
            case .number(let number): number
            }
        }
    }

    let comparison: String
    let rows: [Row]
    let findings: [String]

    init(_ bytes: [UInt8]) throws {
        self = try JSONDecoder().decode(IsolationFigures.self, from: Data(bytes))
    }

    /// By subject and figure.
    var figures: [String: [String: Double]] {
        Dictionary(uniqueKeysWithValues: rows.map { ($0.subject, ($0.figures ?? [:]).mapValues(\.middle)) })
    }
}
