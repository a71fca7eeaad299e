import FoundationEssentials
import Glibc
import LinuxHost
import SystemPackage

/// A container engine that is installed here, with a folder that holds a program as the whole of a container's root.
final class ContainerEngine {
    private let path: String
    private let home: PrivateFolder
    private var folder: String { home.path }
    private var state: String { "\(folder)/state" }
    private var count = 0
    private let isRunc: Bool

    /// - Parameter program: what is to run in its containers.
    init(_ isolation: Isolation, program: String) throws(Refusal) {
        isRunc = isolation == .runc
        guard let path = Self.find(isolation.rawValue) else { throw Refusal(reason: "not installed") }
        self.path = path
        do {
            home = try PrivateFolder()
        } catch {
            throw Refusal(reason: "no temporary folder can be made: \(error)")
        }
        do {
            try FileManager.default.createDirectory(atPath: "\(folder)/rootfs", withIntermediateDirectories: false)
            try FileManager.default.copyItem(atPath: program, toPath: "\(folder)/rootfs/program")
            if isRunc { try writeSpecification() }
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(reason: "its folder \(folder) cannot be filled")
        }
    }

    /// How its next container is started. An engine that is killed in the middle of its work leaves control groups behind that
    /// nobody knows of any more: it may finish, which takes it less than a second.
    func launch(hasInput: Bool) -> IsolationLaunch {
        count += 1
        let name = "swiftvmm-\(getpid())-\(count)"
        if isRunc {
            return IsolationLaunch(
                program: path, words: [path, "--root", state, "run", "--bundle", folder, name],
                endSignal: 0,
                cleanUp: [path, "--root", state, "delete", "--force", name])
        }
        // Its own limits are sometimes above what an engine in a container may set.
        let limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=64:64"]
        let rights = ["--network", "none", "--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges"]
        return IsolationLaunch(
            program: path,
            words: [path, "run", "--rm", "--name", name] + (hasInput ? ["--interactive"] : []) + rights + limits
                + ["--rootfs", "\(folder)/rootfs", "/program"],
            endSignal: 0, cleanUp: [path, "rm", "--force", name])
    }

    private static func find(_ name: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return path.split(separator: ":").map { "\($0)/\(name)" }.first { candidate in
            // SAFETY: a C string for the length of the call.
            unsafe access(candidate, X_OK) == 0
        }
    }

    /// What runc itself proposes, with our program and without a terminal.
    private func writeSpecification() throws {
        let words = [path, "spec", "--bundle", folder] + (geteuid() == 0 ? [] : ["--rootless"])
        let process = try ComparedProcess(program: path, words: words)
        guard let end = try process.wait(until: .now + .seconds(ComparedProcess.patience)) else {
            throw Refusal(
                reason: "it proposed no specification within \(ShortNumber(ComparedProcess.patience)) s")
        }
        guard end.status == 0 else {
            throw Refusal(reason: LastWords(try process.errors.readWhatIsThere(), status: end.status).text)
        }
        let file = "\(folder)/config.json"
        let proposal = try String(contentsOfFile: file, encoding: .utf8)
        let text =
            proposal
            .replacing("\"terminal\": true", with: "\"terminal\": false", maxReplacements: 1)
            .replacing("\"sh\"", with: "\"/program\"", maxReplacements: 1)
        guard text.contains("\"terminal\": false"), text.contains("\"/program\"") else {
            throw Refusal(reason: "the specification that it proposes is of a kind that is not known")
        }
        if let error = TextFile.write(text, to: file, flags: O_TRUNC) {
            throw Refusal(reason: "cannot write \(file): \(error)")
        }
    }
}

/// A new folder that nobody else can use, with all that is in it gone when its owner is.
final class PrivateFolder {
    let path: String
    private let lock: Int32

    /// - Parameter parent: where it is made.
    init(in parent: String = FileManager.default.temporaryDirectory.path) throws(Errno) {
        while true {
            var template = Array("\(parent)/\(Abandoned.temporaryPrefix)XXXXXX".utf8CString)
            // SAFETY: a C string of the caller's own, which the call completes.
            guard unsafe mkdtemp(&template) != nil else { throw .current }
            let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if let lock = try Abandoned.lock(path) {
                (self.path, self.lock) = (path, lock)
                return
            }
        }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
        close(lock)
    }
}
