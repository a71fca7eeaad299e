/// One thing to compare: what it needs was found when it was made.
protocol Comparison {
    /// Its word on the command line.
    static var name: String { get }
    /// The programs that it runs, which no output may replace.
    var files: [String] { get }

    func run(on host: ComparedHost, isQuick: Bool) throws -> ComparisonResult
}
