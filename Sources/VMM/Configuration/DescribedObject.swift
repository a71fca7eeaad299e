/// The members of an object in a file that describes a machine, of which each is asked for by its name. In the end it tells which of
/// them nobody knows.
struct DescribedObject {
    /// Its own in messages.
    private let key: String
    /// What stands before the members' names there.
    private let path: String
    private var rest: [String: DescribedValue]
    private var known: [String] = []
    private(set) var faults = FaultList()

    /// - Parameter key: its own; empty for the whole file.
    init(_ members: [String: DescribedValue], at key: String) {
        rest = members
        self.key = key
        path = key.isEmpty ? "" : "\(key)."
    }

    /// Reads a member, which may be missing.
    ///
    /// - Parameters:
    ///   - what: that it has to be, with what to give.
    ///   - read: gives nil where the value is nothing of the kind.
    /// - Returns: nil for one that is missing, null or wrong.
    mutating func read<Value>(
        _ name: String, _ what: String, _ read: (DescribedValue) throws(VMMError) -> Value?
    ) -> Value? {
        known.append(name)
        guard let value = rest.removeValue(forKey: name), value != .null else { return nil }
        do throws(VMMError) {
            if let result = try read(value) { return result }
            addFault(at: name, value, "it is not \(what)")
        } catch {
            addFault(at: name, value, "\(error)")
        }
        return nil
    }

    private mutating func addFault(at name: String, _ value: DescribedValue, _ reason: String) {
        faults.add("\(path)\(name)", .configuration("the value \(value.words) is invalid: \(reason)"))
    }

    /// A member that has to be there.
    mutating func require<Value>(
        _ name: String, _ what: String, _ read: (DescribedValue) throws(VMMError) -> Value?
    ) -> Value? {
        if rest[name] ?? .null == .null {
            faults.add("\(path)\(name)", .configuration("it is missing; give \(what)"))
        }
        return self.read(name, what, read)
    }

    /// Reads the objects of a list, each by itself.
    mutating func readObjects<Value>(
        _ name: String, _ what: String, _ read: (inout DescribedObject) -> Value?
    ) -> [Value]? {
        guard let elements = self.read(name, what, { if case .list(let list) = $0 { list } else { nil } })
        else { return nil }
        var values: [Value] = []
        for (number, element) in elements.enumerated() {
            let key = "\(path)\(name)[\(number)]"
            guard case .object(let members) = element else {
                faults.add(key, .configuration("the value \(element.words) is invalid: it is not an object, as {…}"))
                continue
            }
            var object = DescribedObject(members, at: key)
            if let value = read(&object) { values.append(value) }
            object.end()
            faults.add(object.faults)
        }
        return values
    }

    /// Nothing more is asked for.
    mutating func end() {
        for name in rest.keys.sorted() {
            let (word, keys) = (DescribedValue.text(name).words, known.joined(separator: ", "))
            faults.add(key, .configuration("there is no key \(word) here; the keys are \(keys)"))
        }
        ignoreRest()
    }

    mutating func ignoreRest() { rest = [:] }
}

extension DescribedObject {
    mutating func text(_ name: String) -> String? {
        read(name, "a text, in quotes") { (value) throws(VMMError) in
            let text = Self.text(value)
            guard text?.utf8.contains(0) != true else {
                throw .configuration("it holds a zero byte, which would end it early; leave that out")
            }
            return text
        }
    }

    mutating func truth(_ name: String) -> Bool? {
        read(name, "true or false") { if case .truth(let value) = $0 { value } else { nil } }
    }

    mutating func choice<Value: RawRepresentable<String> & CaseIterable>(_ name: String) -> Value? {
        read(name, "one of \(Value.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))") {
            (value) throws(VMMError) in
            if case .text(let text) = value { try TextValue.choice(text) as Value } else { nil }
        }
    }

    mutating func place(_ name: String) -> ImagePlace? {
        read(name, "a place in memory; give an address, as 1048576 or \"0x100000\"") { (value) throws(VMMError) in
            switch value {
            case .number(let address): .address(address)
            case .text(let text): try TextValue.place(text)
            default: nil
            }
        }
    }

    /// The name of a file, which has to be there.
    mutating func path(_ name: String) -> String? {
        require(name, "the path of a file") { (value) throws(VMMError) in
            guard case .text(let text) = value, !text.isEmpty, !text.utf8.contains(0) else { return nil }
            return text
        }
    }

    static func text(_ value: DescribedValue) -> String? { if case .text(let text) = value { text } else { nil } }
}
