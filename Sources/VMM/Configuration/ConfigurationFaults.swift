/// One thing that is wrong with a configuration.
public struct ConfigurationFault: Equatable, Sendable, CustomStringConvertible {
    /// Where it is, as a file names it that describes a machine: `memory`, `devices[1].path`. Empty for the whole.
    public let key: String
    public let error: VMMError

    public var description: String { key.isEmpty ? "\(error)" : "\(key): \(error)" }
}

/// All that is wrong with a configuration.
public struct ConfigurationFaults: Error, Equatable, Sendable, CustomStringConvertible {
    /// In the order of the fields; one at least.
    public let faults: [ConfigurationFault]

    /// A line for each.
    public var description: String { faults.map(\.description).joined(separator: "\n") }
}

/// Goes on where something is wrong, and keeps what it was.
struct FaultList {
    private(set) var faults: [ConfigurationFault] = []

    /// - Returns: nil where the check fails.
    mutating func check<Value>(_ key: String, _ body: () throws(VMMError) -> Value) -> Value? {
        do throws(VMMError) { return try body() } catch {
            add(key, error)
            return nil
        }
    }

    mutating func add(_ key: String, _ error: VMMError) {
        faults.append(ConfigurationFault(key: key, error: error))
    }

    mutating func add(_ others: FaultList) { faults += others.faults }

    /// - Throws: what there is, if anything.
    func end() throws(ConfigurationFaults) {
        if !faults.isEmpty { throw ConfigurationFaults(faults: faults) }
    }
}
