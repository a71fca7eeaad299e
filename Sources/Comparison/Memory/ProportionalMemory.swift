import FoundationEssentials
import Glibc

/// The proportional set size of some processes: each page of memory, divided by how many processes have it (proc(5),
/// `smaps_rollup`). Memory of the kernel is not in it. In bytes.
struct ProportionalMemory: Encodable {
    struct Process: Encodable {
        let name: String
        let bytes: UInt64
        /// Its own, such as a machine's RAM.
        let anonymousBytes: UInt64
        /// Of files, such as its code.
        let fileBytes: UInt64
    }

    let processes: [Process]

    var bytes: UInt64 { processes.reduce(0) { $0 + $1.bytes } }
    var anonymousBytes: UInt64 { processes.reduce(0) { $0 + $1.anonymousBytes } }
    var fileBytes: UInt64 { processes.reduce(0) { $0 + $1.fileBytes } }

    /// Of all processes that this one has started, and those that they have started.
    ///
    /// - Parameter others: children that are somebody else's: a shell that became this program may have left some.
    static func ofDescendants(but others: Set<Int32>) -> ProportionalMemory {
        let parents = parents()
        let own = getpid()
        func isDescendant(_ id: Int32) -> Bool {
            var id = id
            // A process that ended meanwhile could close a circle.
            for _ in 0..<parents.count {
                guard !others.contains(id), let parent = parents[id] else { return false }
                if parent == own { return true }
                id = parent
            }
            return false
        }
        return ProportionalMemory(processes: parents.keys.filter(isDescendant).sorted().compactMap(process))
    }

    /// The children of this process.
    static func children() -> Set<Int32> {
        let own = getpid()
        return Set(parents().filter { $0.value == own }.keys)
    }

    /// Every process's parent.
    private static func parents() -> [Int32: Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return Dictionary(
            uniqueKeysWithValues: names.compactMap { Int32($0) }.compactMap { id in parent(of: id).map { (id, $0) } })
    }

    /// A process's fourth field, behind its name in brackets.
    private static func parent(of id: Int32) -> Int32? {
        guard let text = read("/proc/\(id)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 1 ? Int32(fields[1]) : nil
    }

    /// Nil for one that has ended.
    private static func process(_ id: Int32) -> Process? {
        guard let text = read("/proc/\(id)/smaps_rollup") else { return nil }
        func bytes(_ name: String) -> UInt64? {
            let line = text.split(separator: "\n").first { $0.hasPrefix("\(name):") }
            return line?.split(separator: " ").dropFirst().first.flatMap { UInt64($0) }.map { $0 << 10 }
        }
        guard let all = bytes("Pss") else { return nil }
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/exe")) ?? ""
        return Process(
            name: program.split(separator: "/").last.map(String.init) ?? "", bytes: all,
            anonymousBytes: bytes("Pss_Anon") ?? 0, fileBytes: bytes("Pss_File") ?? 0)
    }

    private static func read(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
}
