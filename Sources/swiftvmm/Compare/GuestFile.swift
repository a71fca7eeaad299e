import FoundationEssentials
import Glibc
import VMM

/// Where a guest of this project is: `guests/build/NAME` in a folder above the executable, else above the current one.
struct GuestFile {
    let path: String

    /// One that nobody can name otherwise.
    init(named name: String) throws(Failure) {
        try self.init(named: name, given: nil, remedy: "")
    }

    /// - Parameter given: the file that the user names instead.
    init(named name: String, given: String?) throws(Failure) {
        try self.init(named: name, given: given, remedy: ", or name it with --guest")
    }

    private init(named name: String, given: String?, remedy: String) throws(Failure) {
        if let given {
            // SAFETY: a C string for the length of the call.
            guard unsafe access(given, R_OK) == 0 else {
                throw Failure(
                    status: .badImage, message: "cannot read the guest \(given); name another file with --guest")
            }
            path = given
            return
        }
        let files = FileManager.default
        let executable = (try? files.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let candidates =
            Self.candidates(name, above: executable) + Self.candidates(name, above: files.currentDirectoryPath + "/.")
        guard let found = candidates.first(where: HostFacts.exists) else {
            throw Failure(
                status: .badImage,
                message: "cannot find guests/build/\(name); build it with scripts/build-guests\(remedy)")
        }
        path = found
    }

    /// The nearest folder's first.
    static func candidates(_ name: String, above file: String) -> [String] {
        var folders = file.split(separator: "/").dropLast()
        var candidates: [String] = []
        while true {
            candidates.append(folders.map { "/" + $0 }.joined() + "/guests/build/\(name)")
            guard folders.popLast() != nil else { return candidates }
        }
    }
}
