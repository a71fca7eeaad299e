import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// What `/proc` tells about a process (proc(5)).
struct ProcessState {
    private let folder: String
    let number: Int32

    init(_ number: Int32) {
        self.number = number
        folder = "/proc/\(number)"
    }

    /// Whether it runs: neither gone nor dead and waited for.
    var isRunning: Bool {
        kill(number, 0) == 0 && !(field("State", in: "status") ?? "Z").hasPrefix("Z")
    }

    /// How many times it has written to anything.
    var writeCount: Int? { field("syscw", in: "io").flatMap { Int($0) } }

    /// What an open file descriptor leads to.
    func file(_ descriptor: Int) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/fd/\(descriptor)")
    }

    /// What all its open file descriptors lead to.
    var files: [String] {
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/fd")) ?? []
        return numbers.compactMap { Int($0) }.compactMap { file($0) }
    }

    /// How many threads of its own it has: some systems count one of the kernel's among them for a machine.
    var threadCount: Int {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/task")) ?? []
        return threads.filter { field("Name", in: "task/\($0)/status") == "swiftvmm" }.count
    }

    /// How often each thread of swiftvmm's own has gone to sleep so far.
    var sleepCounts: [String: String] {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/task")) ?? []
        return threads.reduce(into: [:]) { counts, thread in
            guard field("Name", in: "task/\(thread)/status") == "swiftvmm" else { return }
            counts[thread] = field("voluntary_ctxt_switches", in: "task/\(thread)/status")
        }
    }

    /// Whether it is stopped, as by SIGSTOP.
    var isStopped: Bool { field("State", in: "status")?.hasPrefix("T") ?? false }

    /// Waits until the process handles SIGINT and SIGTERM itself: from then on they end the guest.
    func waitUntilSignalsAreCaught() async throws {
        try await wait(for: "signal handlers") {
            let caught = field("SigCgt", in: "status").flatMap { UInt64($0, radix: 16) } ?? 0
            return [SIGINT, SIGTERM].allSatisfy { caught & 1 << UInt64($0 - 1) != 0 }
        }
    }

    /// Waits until the machine's processor exists.
    func waitUntilMachineExists() async throws {
        try await wait(for: "a vCPU") { files.contains { $0.contains("kvm-vcpu") } }
    }

    private func wait(for what: String, _ condition: () -> Bool) async throws {
        let end = ContinuousClock.now + TestScale.patience
        while !condition() {
            try #require(ContinuousClock.now < end, "no \(what)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// The value of a line `name: value`.
    private func field(_ name: String, in file: String) -> String? {
        guard let data = try? Data(contentsOf: URL(filePath: "\(folder)/\(file)")) else { return nil }
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") where line.hasPrefix("\(name):") {
            return line.dropFirst(name.count + 1).trimmingPrefix { $0.isWhitespace }.description
        }
        return nil
    }
}
