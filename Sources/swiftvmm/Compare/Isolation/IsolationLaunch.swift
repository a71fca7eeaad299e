/// How a subject is started.
struct IsolationLaunch {
    /// The path of what is executed.
    let program: String
    /// All its words, the first of which is its name.
    let words: [String]
    /// What it gets two seconds before it is killed; 0 is that time alone, and nil none of it.
    var endSignal: Int32?
    /// What removes the container once its engine was killed; the first word is a path.
    var cleanUp: [String]?
}
