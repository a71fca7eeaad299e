import CContainer
import Glibc
import LinuxHost
import SystemPackage

/// The child's side of a container: it isolates itself, step by step, and becomes the program.
struct ContainedProgram {
    /// The program's path, and what it is given.
    let words: [String]
    let group: ControlGroup
    let user: uid_t
    let userGroup: gid_t
    /// The signals that its parent has blocked, as they were before.
    var signals: sigset_t
    /// Its parent, as pidfd_open(2) gives it; below 0 where the system does not.
    let parent: Int32

    /// A place that every system has, for the time until it is the root. It is covered in this container's view alone.
    private static let root = "/tmp"
    private static let path = "/program"
    private static let unchangeable = MS_RDONLY | MS_NOSUID | MS_NODEV

    /// Does not come back unless a step fails.
    mutating func run() throws(ComparisonError) {
        // Also on the way, until a change of rights undoes it.
        _ = ccontainer_signal_at_parents_end(SIGKILL)
        try group.join()
        try step("make a cgroup namespace", ccontainer_unshare(UInt(CLONE_NEWCGROUP)))
        try mapUser()
        try changeRoot()
        try giveUpRights()
        try execute()
    }

    /// User 0 inside is the caller outside, and nobody else exists (user_namespaces(7)).
    private func mapUser() throws(ComparisonError) {
        for (file, text) in [("setgroups", "deny"), ("uid_map", "0 \(user) 1"), ("gid_map", "0 \(userGroup) 1")] {
            if let error = TextFile.write(text, to: "/proc/self/\(file)") {
                throw Self.failure("map its user: cannot write /proc/self/\(file)", error)
            }
        }
    }

    /// A new root that holds the program and nothing else, none of which can be changed.
    private func changeRoot() throws(ComparisonError) {
        // SAFETY: C strings for the length of each call, here and below.
        let program = unsafe open(words[0], O_RDONLY | O_CLOEXEC)
        try step("open \(words[0])", program < 0 ? -errno : 0)
        try mount(nil, on: "/", nil, MS_REC | MS_PRIVATE, nil, "make its mounts private")
        try mount("none", on: Self.root, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=755", "mount a tmpfs")
        let place = Self.root + Self.path
        let file = unsafe open(place, O_CREAT | O_WRONLY | O_CLOEXEC, 0o755)
        try step("create \(place)", file < 0 ? -errno : 0)
        close(file)
        // By its descriptor: the tmpfs may cover its path.
        try mount("/proc/self/fd/\(program)", on: place, nil, MS_BIND, nil, "bind the program")
        try mount(nil, on: place, nil, MS_REMOUNT | MS_BIND | Self.unchangeable, nil, "make the program read-only")
        try step("go to its root", unsafe chdir(Self.root) < 0 ? -errno : 0)
        try step("change the root", ccontainer_pivot_root())
        try mount(nil, on: "/", nil, MS_REMOUNT | MS_BIND | Self.unchangeable, nil, "make the root read-only")
    }

    private func giveUpRights() throws(ComparisonError) {
        setsid()
        var noCore = rlimit(rlim_cur: 0, rlim_max: 0)
        // SAFETY: the caller's own.
        try step("forbid core files", unsafe setrlimit(Int32(RLIMIT_CORE.rawValue), &noCore) < 0 ? -errno : 0)
        try step("close descriptors", ccontainer_close_on_exec())
        try step("drop its capabilities", ccontainer_drop_capabilities())
        // After the last change of rights, which would undo it.
        try step("end with its parent", ccontainer_signal_at_parents_end(SIGKILL))
        // One that has ended before sends no signal any more.
        guard readiness(of: parent, POLLIN) == 0 else { throw .fault("its parent has ended") }
    }

    private mutating func execute() throws(ComparisonError) {
        // SAFETY: the strings are copies, the lists end with a null pointer, and what follows the call is the end of the process.
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = unsafe [nil]
        let filter = SystemCallFilter.program
        unsafe sigprocmask(SIG_SETMASK, &signals, nil)
        let result = unsafe filter.withUnsafeBufferPointer {
            unsafe ccontainer_filter($0.baseAddress, UInt16($0.count))
        }
        try step("set a filter of system calls", result)
        _ = unsafe execve(Self.path, &arguments, &environment)
        try step("execute \(words[0])", -errno)
    }

    private func mount(
        _ source: String?, on target: String, _ type: String?, _ flags: Int, _ options: String?, _ name: String
    ) throws(ComparisonError) {
        // SAFETY: C strings for the length of the call, the options too, which are only read.
        let result = unsafe (options ?? "").withCString {
            unsafe Glibc.mount(source ?? "none", target, type, UInt(flags), $0)
        }
        try step(name, result < 0 ? -errno : 0)
    }

    /// - Parameter result: below 0, the system's error.
    private func step(_ name: String, _ result: Int32) throws(ComparisonError) {
        guard result < 0 else { return }
        throw Self.failure(name, Errno(rawValue: -result))
    }

    private static func failure(_ name: String, _ error: Errno) -> ComparisonError {
        ComparisonError.fault("cannot \(name): \(error)")
    }
}

/// Which system calls a contained program may make: those that the programs of `guests/host` make, and no other. What makes
/// another dies by SIGSYS.
enum SystemCallFilter {
    /// `execve` is how the program itself is started; there is nothing else that it could execute.
    static let allowed = [__NR_read, __NR_write, __NR_exit, __NR_exit_group, __NR_execve].map { UInt32($0) }

    /// In the kernel's classic BPF (Linux Documentation/userspace-api/seccomp_filter.rst). The architecture comes first: the same
    /// number is another call on another one.
    static let program: [sock_filter] = {
        let count = UInt8(allowed.count)
        var program = [
            load(at: 4), jump(if: ccontainer_architecture, then: 0, else: count + 1),
            load(at: 0),
        ]
        for (index, call) in allowed.enumerated() {
            program.append(jump(if: call, then: count - UInt8(index), else: 0))
        }
        program += [end(0x8000_0000), end(UInt32(SECCOMP_RET_ALLOW))]
        return program
    }()

    /// Of `struct seccomp_data`: the call's number, then the architecture.
    private static func load(at offset: UInt32) -> sock_filter {
        sock_filter(code: ccontainer_load_word, jt: 0, jf: 0, k: offset)
    }

    private static func jump(if value: UInt32, then: UInt8, else: UInt8) -> sock_filter {
        sock_filter(code: ccontainer_jump_if_equal, jt: then, jf: `else`, k: value)
    }

    /// 0x80000000 is SECCOMP_RET_KILL_PROCESS.
    private static func end(_ action: UInt32) -> sock_filter {
        sock_filter(code: ccontainer_return, jt: 0, jf: 0, k: action)
    }
}
