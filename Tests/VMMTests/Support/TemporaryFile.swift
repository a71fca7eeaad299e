import Glibc

/// A path in the system's folder for such things, where a test can put what it likes. Removed with this object.
final class TemporaryFile: Sendable {
    let path: String

    /// A file with this content.
    init(_ content: [UInt8]) {
        var template = Array("/tmp/swiftvmm-test-XXXXXX".utf8CString)
        // SAFETY: the template is a C string that the call changes in place.
        let descriptor = unsafe mkstemp(&template)
        precondition(descriptor >= 0, "the system gives no file")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // SAFETY: the array holds as many bytes as it counts.
        let count = unsafe write(descriptor, content, content.count)
        precondition(count == content.count)
        close(descriptor)
    }

    /// Something else than a file, which `make` puts at the path that it is given; 0 means success.
    init(making make: (String) -> Int32) {
        path = TemporaryFile([]).path
        let result = make(path)
        precondition(result == 0, "the system makes nothing at \(path)")
    }

    deinit {
        // SAFETY: a C string for the length of the call.
        _ = unsafe remove(path)
    }

    /// Makes the file as long as this, with zeros behind its content, or shorter.
    func resize(to size: Int) {
        // SAFETY: a C string for the length of the call.
        let result = unsafe truncate(path, off_t(size))
        precondition(result == 0)
    }
}
