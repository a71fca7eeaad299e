import FoundationEssentials
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Comparison

@Suite("What compare leaves when it is killed")
struct AbandonedTests {
    @Test("folders that nobody uses any more are removed, with all in them, and others are not")
    func folders() throws {
        let (files, scratch) = (FileManager.default, try Scratch())
        let abandoned = scratch.path(of: "\(Abandoned.temporaryPrefix)abcdef")
        let other = scratch.path(of: "swiftvmm-compare-abcdef")
        for path in [abandoned, other] {
            try files.createDirectory(atPath: "\(path)/rootfs", withIntermediateDirectories: true)
        }
        let used = try PrivateFolder(in: scratch.path(of: "."))
        Abandoned.remove(in: scratch.path(of: "."), groups: [])
        #expect(!files.fileExists(atPath: abandoned))
        #expect(files.fileExists(atPath: "\(other)/rootfs"))
        #expect(files.fileExists(atPath: used.path))
    }

    @Test("a folder that another process removes before it is locked is made again")
    func removedBefore() throws {
        let scratch = try Scratch()
        let path = scratch.path(of: "\(Abandoned.temporaryPrefix)abcdef")
        try scratch.makeFolder("\(Abandoned.temporaryPrefix)abcdef")
        // SAFETY: a C string for the length of the call.
        let remover = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        #expect(flock(remover, LOCK_EX) == 0)
        var status = stat()
        #expect(unsafe fstat(remover, &status) == 0)
        let owner = HostThread {
            do throws(Errno) {
                let lock = try Abandoned.lock(path)
                #expect(lock == nil)
            } catch {
                Issue.record("\(error)")
            }
        }
        // "1: -> FLOCK ADVISORY WRITE process device:inode …" is one that waits.
        let place = ":\(status.st_ino) "
        #expect(
            try eventually {
                let locks = try String(contentsOfFile: "/proc/locks", encoding: .utf8).split(separator: "\n")
                return locks.contains { $0.contains("->") && $0.contains(place) }
            })
        #expect(unsafe rmdir(path) == 0)
        close(remover)
        owner.join()
    }

    @Test("a control group's name is known from others")
    func names() {
        #expect(ControlGroup.isOwnName("swiftvmm-17"))
        for name in ["swiftvmm-", "swiftvmm-a", "swiftvmm", "17"] { #expect(!ControlGroup.isOwnName(name), "\(name)") }
    }
}
