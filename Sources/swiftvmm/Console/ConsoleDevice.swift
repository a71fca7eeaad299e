import ArgumentParser

/// A guest's device that has an end on this side.
enum ConsoleDevice: String, CaseIterable, ExpressibleByArgument, Sendable {
    case uart
    case virtio

    /// What messages call it.
    var name: String {
        switch self {
        case .uart: "serial port"
        case .virtio: "virtio-console"
        }
    }

    /// What chooses its end.
    var option: String {
        switch self {
        case .uart: "--serial"
        case .virtio: "--virtio-console"
        }
    }
}
