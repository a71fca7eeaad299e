import FoundationEssentials
import Testing

extension Outcome {
    /// Keeps all of the output and the report beside the test's result: as attachments of Swift Testing
    /// (`swift test --attachments-path FOLDER`), and in XCTest, which has none on Linux, as files in the folder that
    /// `GUEST_TESTING_ATTACHMENTS` names, if it is set. A test that fails does so by itself.
    ///
    /// - Parameter name: the beginning of the two names, which end with `.output` and `.report.json`.
    public func attach(named name: String) {
        let name = String(name.map { $0 == "/" ? "-" : $0 })
        if Test.current != nil {
            Attachment.record(output, named: "\(name).output")
            Attachment.record(reportJSON, named: "\(name).report.json")
        } else if let folder = ProcessInfo.processInfo.environment["GUEST_TESTING_ATTACHMENTS"] {
            do {
                try write(named: name, to: folder)
            } catch {
                print("GuestTesting: cannot write to \(folder), which GUEST_TESTING_ATTACHMENTS names: \(error)")
            }
        }
    }

    func write(named name: String, to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(output).write(to: URL(filePath: "\(folder)/\(name).output"))
        try Data(reportJSON.utf8).write(to: URL(filePath: "\(folder)/\(name).report.json"))
    }
}

extension GuestFailure {
    /// The same, with the outcome attached under the place's name.
    func recorded() -> GuestFailure {
        if let place { outcome?.attach(named: "\(place.fileID)-\(place.line)") }
        return self
    }
}
