import ArgumentParser

/// A guest's device that has an end on this side.
enum ConsoleDevice: String, CaseIterable, ExpressibleByArgument, Sendable {
    case uart
    case virtio

    var label: ConsoleLabel {
        switch self {
        case .uart: ConsoleLabel(name: "serial port", option: "--serial ")
        case .virtio: ConsoleLabel(name: "virtio-console", option: "--virtio-console ")
        }
    }
}
