import FoundationEssentials
import Glibc

/// A folder for one test, in which the programs that it starts run. It goes, with all that is in it, when the test ends.
final class Scratch: Sendable {
    let path: String

    init() throws {
        // A program may end while a test still writes to it. Handled, and not ignored, so that programs do not inherit it.
        _ = signal(SIGPIPE) { _ in }
        let folder = FileManager.default.temporaryDirectory.appending(path: "swiftvmm-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The names of all files in it, sorted.
    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }

    func path(of name: String) -> String { "\(path)/\(name)" }

    /// Makes a file of it, and gives its name back.
    @discardableResult
    func write(_ bytes: [UInt8], to name: String) throws -> String {
        try Data(bytes).write(to: URL(filePath: path(of: name)))
        return name
    }

    func read(_ name: String) throws -> [UInt8] {
        try Self.contents(ofFile: path(of: name))
    }

    static func contents(ofFile path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: path)))
    }

    func text(_ name: String) throws -> String {
        String(decoding: try read(name), as: UTF8.self)
    }

    func makeFolder(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: path(of: name), withIntermediateDirectories: false)
    }

    func makeLink(_ name: String, to destination: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path(of: name), withDestinationPath: destination)
    }

    /// Where a link points, or nil where there is no link of this name.
    func destination(ofLink name: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: path(of: name))
    }
}
