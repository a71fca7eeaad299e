import Glibc
import LinuxHost
import SystemPackage

/// A control group of a container's own, with limits (cgroups(7)): one folder in version 2, one for each controller in
/// version 1.
package struct ControlGroup {
    /// As much as a machine has unless told otherwise, in bytes.
    static let memoryLimit = 64 << 20
    static let processLimit = 16

    /// A file and what is written there; where a needed one is not there, the limit is missing.
    private struct Limit {
        let name: String
        let file: String
        let value: String
        var isNeeded = true
    }

    private static let root = "/sys/fs/cgroup"

    /// Its folders.
    private(set) var folders: [String] = []
    /// Where a child can be made right in it: its folder of version 2, opened; else -1.
    private(set) var descriptor: Int32 = -1
    /// Keep them locked as long as this process lives.
    private var locks: [Int32] = []
    /// What this machine refuses, in words.
    private(set) var missing: [String] = []

    /// Makes it, as far as the machine lets us.
    init() {
        let memory = "\(Self.memoryLimit)"
        let processes = Limit(name: "processes", file: "pids.max", value: "\(Self.processLimit)")
        if Self.exists("\(Self.root)/cgroup.controllers") {
            add(
                "", "control group",
                [
                    Limit(name: "memory", file: "memory.max", value: memory),
                    Limit(name: "swap", file: "memory.swap.max", value: "0", isNeeded: false), processes,
                ])
            descriptor = locks.first ?? -1
        } else {
            add(
                "/memory", "control group of memory",
                [
                    Limit(name: "memory", file: "memory.limit_in_bytes", value: memory),
                    Limit(name: "swap", file: "memory.memsw.limit_in_bytes", value: memory, isNeeded: false),
                ])
            add("/pids", "control group of processes", [processes])
        }
    }

    /// Moves the calling process into it, unless it was made there.
    func join() throws(ComparisonError) {
        guard descriptor < 0 else { return }
        for folder in folders {
            if let error = TextFile.write("0", to: "\(folder)/cgroup.procs") {
                throw .fault("cannot join the control group \(folder): \(error)")
            }
        }
    }

    /// Removes it once nothing runs in it. The last process may take a moment to leave: on a busy machine half a minute at most.
    func remove() {
        for folder in folders {
            for _ in 0..<30_000 {
                // SAFETY: a C string for the length of the call.
                guard unsafe rmdir(folder) != 0, errno == EBUSY else { break }
                usleep(1000)
            }
        }
    }

    private mutating func add(_ hierarchy: String, _ what: String, _ limits: [Limit]) {
        guard let (folder, lock) = makeFolder(in: Self.root + hierarchy) else {
            missing.append("no \(what): cannot make one in \(Self.root)\(hierarchy): \(Errno.current)")
            return
        }
        folders.append(folder)
        locks.append(lock)
        for limit in limits {
            if let error = TextFile.write(limit.value, to: "\(folder)/\(limit.file)"), limit.isNeeded {
                missing.append("no limit of \(limit.name): cannot write \(limit.file) of its control group: \(error)")
            }
        }
    }

    private func makeFolder(in hierarchy: String) -> (path: String, lock: Int32)? {
        for parent in Self.parents(in: hierarchy) {
            let folder = "\(parent)/\(Self.prefix)\(getpid())"
            // SAFETY: a C string for the length of the call.
            while unsafe mkdir(folder, 0o755) == 0 {
                do throws(Errno) {
                    if let lock = try Abandoned.lock(folder) { return (folder, lock) }
                } catch {
                    return (folder, -1)
                }
            }
        }
        return nil
    }

    private static let prefix = "swiftvmm-"

    /// Whether a folder has a name as this makes it.
    static func isOwnName(_ name: String) -> Bool {
        name.hasPrefix(prefix) && Int32(name.dropFirst(prefix.count)) != nil
    }

    /// Where such folders are made.
    package static var parents: [String] {
        let hierarchies = exists("\(root)/cgroup.controllers") ? [""] : ["/memory", "/pids"]
        return hierarchies.flatMap { parents(in: root + $0) }
    }

    /// At the top, as only root may, or below the process's own group, which may be its user's.
    private static func parents(in hierarchy: String) -> [String] {
        let controller = hierarchy.dropFirst(root.count + 1)
        let own = TextFile.lines(of: "/proc/self/cgroup").lazy
            .map { $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false) }
            .first { $0.count == 3 && ($0[1] == controller || $0[1].split(separator: ",").contains(controller)) }
        return ["", own.map { $0[2] == "/" ? "" : String($0[2]) } ?? ""].map { hierarchy + $0 }
    }

    private static func exists(_ path: String) -> Bool {
        // SAFETY: a C string for the length of the call.
        unsafe access(path, F_OK) == 0
    }
}

/// Files that are there already, read and written with one call each: those of the kernel give and take a text in one piece.
enum TextFile {
    /// - Parameter flags: as open(2) takes them, besides those for writing.
    /// - Returns: what went wrong.
    static func write(_ text: String, to path: String, flags: Int32 = 0) -> Errno? {
        // SAFETY: a C string for the length of the call.
        let file = unsafe open(path, O_WRONLY | O_CLOEXEC | flags)
        guard file >= 0 else { return Errno.current }
        defer { close(file) }
        // SAFETY: the text lives for the length of the call, and its count is in bytes.
        guard unsafe Glibc.write(file, text, text.utf8.count) == text.utf8.count else { return Errno.current }
        return nil
    }

    /// None where it cannot be read.
    static func lines(of path: String) -> [String] {
        // SAFETY: a C string for the length of the call.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        // SAFETY: the buffer is as long as it says.
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
