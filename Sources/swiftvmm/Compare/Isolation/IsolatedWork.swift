/// The files of one work: the program for the host, and the guests that do the same.
struct IsolatedWork {
    let process: String
    let longMode: String
    let realMode: String

    /// - Parameter name: such as `startup`, for `startup-process`, `startup-bench.elf` and `startup-real.bin`.
    init(named name: String) throws(Failure) {
        process = try GuestFile(named: "\(name)-process").path
        longMode = try GuestFile(named: "\(name)-bench.elf").path
        realMode = try GuestFile(named: "\(name)-real.bin").path
    }

    var files: [String] { [process, longMode, realMode] }
}
