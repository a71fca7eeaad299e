import Glibc
import KVM

/// A control group of a container's own, with limits (cgroups(7)): one folder in version 2, one for each controller in
/// version 1.
struct ControlGroup {
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

    /// Moves the calling process into it.
    func join() throws(Failure) {
        for folder in folders {
            if let error = Self.write("0", to: "\(folder)/cgroup.procs") {
                throw Failure(status: .fault, message: "cannot join the control group \(folder): \(error)")
            }
        }
    }

    /// Removes it once nothing runs in it; the last process may take a moment to leave.
    func remove() {
        for folder in folders {
            for _ in 0..<1000 {
                // SAFETY: a C string for the length of the call.
                guard unsafe rmdir(folder) != 0, errno == EBUSY else { break }
                usleep(1000)
            }
        }
    }

    private mutating func add(_ hierarchy: String, _ what: String, _ limits: [Limit]) {
        let folder = "\(Self.root)\(hierarchy)/swiftvmm-\(getpid())"
        // SAFETY: a C string for the length of the call.
        guard unsafe mkdir(folder, 0o755) == 0 else {
            missing.append("no \(what): cannot make \(folder): \(SystemError.current)")
            return
        }
        folders.append(folder)
        for limit in limits {
            if let error = Self.write(limit.value, to: "\(folder)/\(limit.file)"), limit.isNeeded {
                missing.append("no limit of \(limit.name): cannot write \(folder)/\(limit.file): \(error)")
            }
        }
    }

    private static func exists(_ path: String) -> Bool {
        // SAFETY: a C string for the length of the call.
        unsafe access(path, F_OK) == 0
    }

    /// - Returns: what went wrong.
    static func write(_ text: String, to path: String) -> SystemError? {
        // SAFETY: a C string for the length of the call.
        let file = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return SystemError.current }
        defer { close(file) }
        // SAFETY: the text lives for the length of the call, and its count is in bytes.
        guard unsafe Glibc.write(file, text, text.utf8.count) == text.utf8.count else { return SystemError.current }
        return nil
    }
}
