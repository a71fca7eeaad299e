/// A device of a machine, beside what every machine has. This is the list of kinds: a new one is a case here and a file of its own.
public enum DeviceConfiguration: Sendable {
    case uart(UARTConfiguration)
    case virtioConsole(VirtioConsoleConfiguration)
    case disk(DiskConfiguration)
    case entropy(EntropyConfiguration)
    case custom(CustomDeviceConfiguration)
    case customVirtio(CustomVirtioConfiguration)

    /// Whether it is a paravirtual console that someone talks to.
    var isVirtioConsoleWithInput: Bool {
        if case .virtioConsole(let console) = self { console.input != nil } else { false }
    }

    var description: any DeviceDescription {
        switch self {
        case .uart(let configuration): configuration
        case .virtioConsole(let configuration): configuration
        case .disk(let configuration): configuration
        case .entropy(let configuration): configuration
        case .custom(let configuration): configuration
        case .customVirtio(let configuration): configuration
        }
    }
}
