/// What all rounds of a subject say together, from just before its process was started.
struct StartupFigures: Encodable {
    /// Until the first byte of its output arrived.
    let firstByteSeconds: Spread
    /// Until the last byte arrived.
    let workDoneSeconds: Spread
    /// Until its process was gone, and waited for.
    let goneSeconds: Spread
    /// How many times what a host process took in the same round, until it was gone.
    let ratioToProcess: Spread

    /// Nil where there are no rounds.
    init?(_ rounds: [IsolatedRun], base: [IsolatedRun]) {
        guard let first = Spread(rounds.map(\.firstByte)), let done = Spread(rounds.map(\.workDone)),
            let gone = Spread(rounds.map(\.gone)), let ratio = Spread(zip(rounds, base).map { $0.gone / $1.gone })
        else { return nil }
        (firstByteSeconds, workDoneSeconds, goneSeconds, ratioToProcess) = (first, done, gone, ratio)
    }
}
