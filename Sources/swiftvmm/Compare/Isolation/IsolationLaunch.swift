/// How a subject is started.
struct IsolationLaunch {
    /// The path of what is executed.
    let program: String
    /// All its words, the first of which is its name.
    let words: [String]
    /// Asks for its end before it is killed.
    var endSignal: Int32?
    /// What removes the container once its engine was killed; the first word is a path.
    var cleanUp: [String]?
}
