import FoundationEssentials
import VMM

/// How a run of a guest ended, and all that is known of it.
public struct Outcome: Sendable {
    /// The image's name.
    public let image: String
    public let reason: StopReason
    /// All that its consoles printed.
    public let output: [UInt8]
    /// What the run did, in numbers.
    public let report: RunReport
    /// Each vCPU that was started, by its number, as the end found it.
    public let vcpus: [Int: CPUSnapshot]

    /// The output, with what is no UTF-8 replaced.
    public var text: String { String(decoding: output, as: UTF8.self) }

    /// Looks how it ended and what it printed.
    ///
    /// - Parameters:
    ///   - output: all that it has to print, or a part of it; nil for anything.
    ///   - status: what it has to write to an exit port.
    ///   - fileID: the file that a failure is said to be in.
    ///   - line: the line.
    /// - Throws: where something else came.
    @discardableResult
    public func expect(
        output: ExpectedOutput? = nil, exit status: UInt8, fileID: StaticString = #fileID, line: UInt = #line
    ) throws(GuestFailure) -> Outcome {
        try expect(output: output, end: .exited(status: status), fileID: fileID, line: line)
    }

    /// The same for another end, such as `.halted` or `.poweredOff`.
    @discardableResult
    public func expect(
        output: ExpectedOutput? = nil, end: StopReason, fileID: StaticString = #fileID, line: UInt = #line
    ) throws(GuestFailure) -> Outcome {
        let place = SourcePlace(fileID, line)
        guard reason == end else {
            throw GuestFailure(self, "\(reason.description); expected: \(end.description)", place).recorded()
        }
        if let output, let difference = output.difference(from: text) {
            throw GuestFailure(self, difference, place).recorded()
        }
        return self
    }

    /// The report with the vCPUs' registers, as JSON; what stands where is as in the file of `swiftvmm run --report`.
    public var reportJSON: String {
        struct Content: Encodable {
            struct Stop: Encodable { let message: String }
            let image: String
            let stop: Stop
            let run: RunReport
            let vcpus: [String: CPUSnapshot]
        }
        let content = Content(
            image: image, stop: Content.Stop(message: reason.description), run: report,
            vcpus: Dictionary(uniqueKeysWithValues: vcpus.map { ("\($0.key)", $0.value) }))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        // Numbers and texts can be encoded.
        return (try? encoder.encode(content)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

extension Outcome: CustomStringConvertible {
    /// How many vCPUs' registers are shown.
    private static var shownCount: Int { 4 }

    /// Several lines: the end, the output, registers, and the report in short.
    public var description: String { ([reason.description] + details).joined(separator: "\n") }

    /// The same without the end.
    var details: [String] { [shownOutput(output)] + registers + ["run: \(report.summary)"] }

    /// As the failure found them, where there was one.
    private var registers: [String] {
        if let state = reason.state { return [Self.block("registers at \(state.place):", state)] }
        let states = vcpus.sorted { $0.key < $1.key }
        let shown = states.prefix(Self.shownCount).map { Self.block("vCPU \($0.key) at \($0.value.place):", $0.value) }
        let left = states.count - shown.count
        return left > 0 ? shown + ["and \(left) more vCPUs"] : shown
    }

    private static func block(_ title: String, _ state: CPUSnapshot) -> String {
        "\(title)\n  " + state.description.split(separator: "\n").joined(separator: "\n  ")
    }
}

extension RunReport {
    /// One line: time, exits, and what came to nothing.
    var summary: String {
        let kinds = exitsByKind.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.map { "\($0.key) \($0.value)" }
        var parts = [
            "\(wallNanoseconds / 1_000_000).\(wallNanoseconds / 100_000 % 10) ms",
            "\(exitCount) exits" + (kinds.isEmpty ? "" : " (\(kinds.joined(separator: ", ")))"),
        ]
        let nobody = [("port", unmappedPorts), ("address", unmappedMemory), ("MSR", refusedMSRs)]
        for (kind, counts) in nobody where !counts.isEmpty {
            let places = counts.prefix(4).map(\.address) + (counts.count > 4 ? ["…"] : [])
            parts.append("nothing at \(kind) \(places.joined(separator: ", "))")
        }
        for device in devices { if let fault = device.fault { parts.append("\(device.name): \(fault)") } }
        if lostHypercalls > 0 { parts.append("\(lostHypercalls) hypercalls outside RAM") }
        if let postCode { parts.append("POST code \(postCode)") }
        return parts.joined(separator: "; ")
    }
}
