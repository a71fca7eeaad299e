import FoundationEssentials
import Glibc
import TestSupport
import Testing

@testable import Comparison

@Suite("What compare leaves when it is killed")
struct AbandonedTests {
    @Test("folders that nobody uses any more are removed, with all in them, and others are not")
    func folders() throws {
        let files = FileManager.default
        let temporary = files.temporaryDirectory.path
        let abandoned = "\(temporary)/\(Abandoned.temporaryPrefix)\(getpid())"
        let other = "\(temporary)/swiftvmm-compare-\(getpid())"
        for path in [abandoned, other] {
            try files.createDirectory(atPath: "\(path)/rootfs", withIntermediateDirectories: true)
        }
        defer { try? files.removeItem(atPath: other) }
        let used = try PrivateFolder()
        Abandoned.remove()
        #expect(!files.fileExists(atPath: abandoned))
        #expect(files.fileExists(atPath: "\(other)/rootfs"))
        #expect(files.fileExists(atPath: used.path))
    }

    @Test("a control group's name is known from others")
    func names() {
        #expect(ControlGroup.isOwnName("swiftvmm-17"))
        for name in ["swiftvmm-", "swiftvmm-a", "swiftvmm", "17"] { #expect(!ControlGroup.isOwnName(name), "\(name)") }
    }
}
