import CContainer
import Glibc
import SystemPackage

/// A process whose parent ends becomes the child of this one, wherever it has put itself (PR_SET_CHILD_SUBREAPER): what an
/// engine leaves running counts as the engine's, and does not disturb the next subject.
enum OrphanAdoption {
    static func begin() throws(Failure) {
        let result = ccontainer_adopt_orphans()
        guard result >= 0 else {
            throw Failure(status: .fault, message: "cannot adopt processes: \(Errno(rawValue: -result))")
        }
    }

    /// Waits until all have ended; those that have not after two seconds are killed, unless somebody else's child may have left them.
    ///
    /// - Parameter others: children that are somebody else's.
    static func reap(but others: Set<Int32>) {
        for _ in 0..<2000 {
            let ended = waitpid(-1, nil, WNOHANG)
            // No child is left.
            if ended < 0 { return }
            if ended > 0 { continue }
            if !others.isEmpty, ProportionalMemory.children().isSubset(of: others) { return }
            usleep(1000)
        }
        guard others.isEmpty else { return }
        for child in ProportionalMemory.children() {
            kill(child, SIGKILL)
            waitpid(child, nil, 0)
        }
    }
}
