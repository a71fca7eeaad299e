import FoundationEssentials

/// A process as its folder in `/proc` shows it (proc(5)), which also tells what it is isolated from.
struct ProcessFolder {
    private let path: String

    init(_ number: Int32) {
        path = "/proc/\(number)"
    }

    /// Its children, where its first thread made them.
    var children: [Int32] {
        let number = path.split(separator: "/").last ?? ""
        return lines("task/\(number)/children").flatMap { $0.split(separator: " ").compactMap { Int32($0) } }
    }

    func link(_ name: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "\(path)/\(name)")
    }

    /// The files of a folder, sorted.
    func names(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)")) ?? []).sorted()
    }

    func lines(_ file: String) -> [String] {
        let data = (try? Data(contentsOf: URL(filePath: "\(path)/\(file)"))) ?? Data()
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// The value of a line `name:	value` of its status.
    func status(_ name: String) -> String? {
        lines("status").first { $0.hasPrefix("\(name):") }.map { String($0.dropFirst(name.count + 2)) }
    }
}
