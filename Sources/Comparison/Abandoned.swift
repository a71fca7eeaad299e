import FoundationEssentials
import Glibc

/// Folders that a process of `compare` has made for itself and that it locks as long as it uses them: what a process that was killed left
/// behind is known by the lock that nobody has.
package enum Abandoned {
    /// Begins the names of folders with temporary files: none that a person would choose, as all in them goes.
    static let temporaryPrefix = ".swiftvmm-compare-"

    /// Locks a folder of this process's.
    ///
    /// - Returns: what keeps it locked, until it and its copies are closed; below 0 where that cannot be.
    static func lock(_ path: String) -> Int32 {
        // SAFETY: a C string for the length of the call.
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return descriptor }
        close(descriptor)
        return -1
    }

    /// Removes what processes of this user have left behind, temporary files and control groups.
    package static func remove() {
        let files = FileManager.default
        for path in folders(in: files.temporaryDirectory.path, { $0.hasPrefix(temporaryPrefix) }) {
            try? files.removeItem(atPath: path)
        }
        for path in ControlGroup.parents.flatMap({ folders(in: $0, ControlGroup.isOwnName) }) {
            // SAFETY: a C string for the length of the call. One with processes in it stays.
            _ = unsafe rmdir(path)
        }
    }

    private static func folders(in parent: String, _ isOurs: (String) -> Bool) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        return names.filter(isOurs).map { "\(parent)/\($0)" }.filter { path in
            var status = stat()
            // SAFETY: a C string for the length of the call, and the caller's own structure.
            guard unsafe lstat(path, &status) == 0, status.st_uid == geteuid() else { return false }
            let descriptor = lock(path)
            if descriptor >= 0 { close(descriptor) }
            return descriptor >= 0
        }
    }
}
