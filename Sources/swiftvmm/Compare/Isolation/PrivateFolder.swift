import FoundationEssentials
import Glibc
import LinuxHost
import SystemPackage

/// A new folder that nobody else can use, with all that is in it gone when its owner is.
final class PrivateFolder {
    let path: String

    init() throws(Errno) {
        var template = Array("\(FileManager.default.temporaryDirectory.path)/swiftvmm-compare-XXXXXX".utf8CString)
        // SAFETY: a C string of the caller's own, which the call completes.
        guard unsafe mkdtemp(&template) != nil else { throw .current }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
