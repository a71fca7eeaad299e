/// What was measured of one subject: its rounds, or why there are none.
struct IsolationResult<Round> {
    let isolation: Isolation
    var rounds: [Round] = []
    var refusal: Refusal?
}
