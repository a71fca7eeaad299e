/// What is computed: three kinds of work that need nobody's help.
enum ComputeWork: String, CaseIterable, Encodable {
    case integer, memory, branches

    /// What it is, in words.
    var name: String {
        switch self {
        case .integer: "integer arithmetic"
        case .memory: "4 MiB of memory at random"
        case .branches: "unforeseeable branches"
        }
    }
}
