/// One run of one subject that did what it should. Times are in seconds, from just before its process was started.
struct IsolatedRun {
    /// Until its first byte arrived.
    let firstByte: Double
    /// Until its last byte arrived, with which the work is done.
    let workDone: Double
    /// Until its process was gone, and waited for.
    let gone: Double
    /// Of all its processes, while it waited for input; nil where it does not.
    let memory: ProportionalMemory?
    /// What could not be isolated.
    let notes: [String]
}
