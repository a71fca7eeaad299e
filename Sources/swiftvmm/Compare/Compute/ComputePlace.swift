/// Where work is done.
enum ComputePlace: String, CaseIterable, Encodable {
    case process
    case container
    case ring3 = "guest-ring-3"
    case ring0 = "guest-ring-0"

    var name: String {
        switch self {
        case .process: "host process"
        case .container: "container"
        case .ring3: "guest, ring 3"
        case .ring0: "guest, ring 0"
        }
    }
}
