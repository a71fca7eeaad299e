import LinuxHost

/// A file that a person wrote, read as a whole.
package enum SmallFile {
    /// Reads a file, or what comes through a pipe, for which it waits.
    ///
    /// - Parameters:
    ///   - limit: in bytes, a multiple of 4096; more is `ImageError.overLimit`.
    ///   - deadline: until when a pipe is waited for; one of ``StopSignals`` ends that, too.
    package static func read(_ path: String, limit: UInt64, until deadline: Deadline) throws(ImageError) -> [UInt8] {
        let file = try ImageReader(.file(path), ImageLimits(memorySize: limit, until: deadline))
        guard file.size <= limit else { throw .overLimit(limit) }
        return try file.prefix(Int(limit))
    }
}
