import FoundationEssentials
import Glibc
import LinuxHost
import SystemPackage

/// Folders that a process of `compare` has made for itself and that it locks as long as it uses them: what a process that was killed left
/// behind is known by the lock that nobody has.
package enum Abandoned {
    /// Begins the names of folders with temporary files: none that a person would choose, as all in them goes.
    static let temporaryPrefix = ".swiftvmm-compare-"

    /// Locks a folder that this process has just made. Where its file system has no locks nobody takes it for abandoned either.
    ///
    /// - Returns: what keeps it locked, until it and its copies are closed; nil where another process has taken it for abandoned before
    ///   that: then it is to be made again.
    /// - Throws: why it cannot be opened.
    static func lock(_ path: String) throws(Errno) -> Int32? {
        let descriptor = open(path)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw .current }
            return nil
        }
        // Whoever has it locked removes it, which takes a moment.
        while flock(descriptor, LOCK_EX) != 0, errno == EINTR {}
        var (own, there) = (stat(), stat())
        // SAFETY: a C string for the length of the call, and the caller's own structures.
        if unsafe fstat(descriptor, &own) == 0, unsafe lstat(path, &there) == 0, own.st_dev == there.st_dev,
            own.st_ino == there.st_ino
        {
            return descriptor
        }
        close(descriptor)
        return nil
    }

    /// Removes what processes of this user have left behind.
    ///
    /// - Parameters:
    ///   - temporary: the folder that has those with temporary files.
    ///   - groups: those that have control groups.
    package static func remove(
        in temporary: String = FileManager.default.temporaryDirectory.path, groups: [String] = ControlGroup.parents
    ) {
        forEach(
            in: temporary, where: { $0.hasPrefix(temporaryPrefix) },
            do: { try? FileManager.default.removeItem(atPath: $0) })
        for parent in groups {
            // SAFETY: a C string for the length of the call. One with processes in it stays.
            forEach(in: parent, where: ControlGroup.isOwnName, do: { _ = unsafe rmdir($0) })
        }
    }

    /// Calls `body` with each folder that nobody has locked, and keeps it locked meanwhile.
    private static func forEach(in parent: String, where isOurs: (String) -> Bool, do body: (String) -> Void) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        for path in names.filter(isOurs).map({ "\(parent)/\($0)" }) {
            let descriptor = open(path)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            var status = stat()
            // SAFETY: the caller's own structure.
            guard unsafe fstat(descriptor, &status) == 0, status.st_uid == geteuid() else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { body(path) }
        }
    }

    private static func open(_ path: String) -> Int32 {
        // SAFETY: a C string for the length of the call.
        unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
    }
}
