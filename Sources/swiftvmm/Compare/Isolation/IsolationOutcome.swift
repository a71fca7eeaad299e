/// What came of one run.
enum IsolationOutcome<Round> {
    case measured(Round)
    case refused(Refusal)
}
