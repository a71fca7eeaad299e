import Glibc
import LinuxHost
import SystemPackage

/// A file that is written while the guest runs. It is opened before anything runs, so that a wrong path is told at once; what is in it stays
/// until the guest begins, as another mistake may keep it from that.
final class GrowingFile {
    let path: String
    let descriptor: Int32
    /// Whether there was none before.
    private let isNew: Bool
    private var hasBegun = false

    /// Opens a file, a pipe or a device, or makes a file.
    ///
    /// - Parameter deadline: until when the reader of a pipe is waited for.
    init(_ path: String, until deadline: Deadline) throws(PatientCall.Failure) {
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY
        // SAFETY: the path is a C string for the length of the call.
        let new = unsafe open(path, flags | O_EXCL, 0o666)
        isNew = new >= 0
        self.path = path
        if isNew {
            descriptor = new
        } else if errno == EEXIST {
            // SAFETY: as above.
            descriptor = try PatientCall.run(until: deadline) { unsafe open(path, flags, 0o666) }
        } else {
            throw .failed(.current)
        }
    }

    /// The guest begins: what was in the file is gone.
    func begin() throws(Errno) {
        hasBegun = true
        // A pipe and a device have nothing to lose, which is what EINVAL says.
        guard ftruncate(descriptor, 0) == 0 || errno == EINVAL else { throw .current }
    }

    /// The run is over, or could not begin: then nothing is left behind. The descriptor is closed with the process.
    func end() {
        // SAFETY: a C string for the length of the call.
        if isNew, !hasBegun { _ = unsafe unlink(path) }
    }
}
