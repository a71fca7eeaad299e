/// What a comparison found, in each form in which it is told.
struct ComparisonResult: Encodable {
    let report: any Encodable
    /// As SVG.
    let chart: String
    /// For a terminal.
    let text: String
    let glances: [Glance]

    func encode(to encoder: any Encoder) throws { try report.encode(to: encoder) }
}
