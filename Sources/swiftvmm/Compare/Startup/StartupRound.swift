/// One run, from just before its process was started.
struct StartupRound: Encodable {
    let firstByteSeconds: Double
    let workDoneSeconds: Double
    let goneSeconds: Double
}
