/// One run of one subject, whose answer is right.
struct ComputeRound: Encodable, Equatable {
    /// Each is so many operations as the guest's `work.h` says.
    static let operationsPerStep = 65_536.0

    let steps: UInt64
    /// From the beginning's arrival to the answer's, in seconds; 0 where both were there when this process looked.
    let seconds: Double
    /// Of all that the work came by: 16 hexadecimal digits.
    let checksum: String
    /// What could not be isolated.
    var notes: [String] = []

    var nanosecondsPerOperation: Double { seconds * 1e9 / (Double(steps) * Self.operationsPerStep) }
}
