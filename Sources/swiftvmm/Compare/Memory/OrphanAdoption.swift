import CContainer
import Glibc
import KVM

/// A process whose parent ends becomes the child of this one, wherever it has put itself (PR_SET_CHILD_SUBREAPER).
enum OrphanAdoption {
    static func begin() throws(Failure) {
        let result = ccontainer_adopt_orphans()
        guard result >= 0 else {
            throw Failure(
                status: .fault, message: "cannot adopt processes: \(SystemError(code: -result))")
        }
    }

    /// Waits for the end of all that have come so far, a second at most.
    static func reap() {
        for _ in 0..<100 {
            let ended = waitpid(-1, nil, WNOHANG)
            // No child is left.
            if ended < 0 { return }
            if ended == 0 { usleep(10_000) }
        }
    }
}
