/// A port of a virtio-console beside the console itself: a line of bytes with a name, by which a program in the guest finds it (with
/// Linux /dev/virtio-ports/NAME).
///
/// What is at its end may go away: then the guest is told that it is closed, and what the guest goes on sending is dropped and
/// counted, while the machine runs on.
public struct VirtioPortConfiguration: Sendable {
    /// How many a console can have. Each has two queues with a thread each, so that no port holds up another: with a pseudo-terminal at
    /// every end that makes some 100 threads and 370 descriptors, where most systems give a process 1,024.
    public static let limit = 31
    /// How long a name may be, in bytes.
    public static let longestName = 64

    /// 1 to ``longestName`` letters, digits, dots, hyphens and underlines of ASCII, first no dot: a guest makes a file of that name.
    public var name: String
    public var output: ConsoleOutput
    /// Nil for nothing. An input belongs to one device.
    public var input: ConsoleInput?

    public init(name: String, output: ConsoleOutput = .discarding(), input: ConsoleInput? = nil) {
        self.name = name
        self.output = output
        self.input = input
    }

    /// Looks whether a console can have ports of these names.
    ///
    /// - Throws: `VMMError.configuration`, with the reason and the remedy.
    public static func check(names: [String]) throws(VMMError) {
        guard names.count <= limit else {
            throw .configuration(
                "\(names.count) ports are more than a virtio-console can have; give \(limit) at most")
        }
        for (index, name) in names.enumerated() {
            guard isName(name) else {
                throw .configuration(
                    "\"\(name)\" cannot be a port's name; give 1 to \(longestName) letters, digits, '.', '_' and '-', first no '.'"
                )
            }
            guard !names[..<index].contains(name) else {
                throw .configuration("two ports have the name \(name); give each its own")
            }
        }
    }

    private static func isName(_ name: String) -> Bool {
        guard (1...longestName).contains(name.utf8.count), name.utf8.first != UInt8(ascii: ".") else { return false }
        return name.utf8.allSatisfy { byte in
            switch UInt8(byte) {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(byte)
            }
        }
    }
}
