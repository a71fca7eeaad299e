/// Why swiftvmm ends without a guest's leave: what is said last, and the status.
struct Failure: Error {
    let status: ExitStatus
    let message: String
}
