import VMM

/// The content of `--report`. That it is the same as what its types encode as is a test's matter.
struct RunReportFile: Encodable {
    let image: String
    let stop: StopSummary
    /// Nil, and left out, where no machine could be made.
    let run: RunReport?
    /// Each vCPU that was started, by its number, where the run did not end by the guest's own will.
    let vcpus: [String: CPUSnapshot]?

    init(image: String, stop: StopSummary, run: RunReport?, vcpus: [Int: CPUSnapshot]) {
        (self.image, self.stop, self.run) = (image, stop, run)
        let named = vcpus.map { ("\($0.key)", $0.value) }
        self.vcpus = named.isEmpty ? nil : Dictionary(uniqueKeysWithValues: named)
    }

    var json: JSON {
        .object([
            ("image", .text(image)),
            ("run", run?.json),
            ("stop", stop.json),
            ("vcpus", vcpus.map { .object($0.map { ($0.key, $0.value.json) }) }),
        ])
    }
}

extension StopSummary {
    fileprivate var json: JSON {
        .object([("reason", .text(reason)), ("status", .signed(Int64(status.rawValue))), ("message", .text(message))])
    }
}

extension RunReport {
    fileprivate var json: JSON {
        .object([
            ("wallNanoseconds", .signed(wallNanoseconds)),
            ("cpuNanoseconds", .signed(cpuNanoseconds)),
            ("exitCount", .number(exitCount)),
            ("coalescedWrites", .number(coalescedWrites)),
            ("exitsByKind", .counts($exitsByKind)),
            ("latencies", .object($latencies.map { ($0.name, $0.value.json) })),
            ("exitsByPort", .list(exitsByPort.map { .count("port", $0.port, $0.direction, $0.count) })),
            ("exitsByPage", .list(exitsByPage.map { .count("page", $0.page, $0.direction, $0.count) })),
            ("devices", .list(devices.map(\.json))),
            ("consoleBytes", .counts($consoleBytes)),
            ("unwrittenBytes", .signed(Int64(unwrittenBytes))),
            ("doorbellExits", doorbellExits.map(JSON.number)),
            ("lostHypercalls", .number(lostHypercalls)),
            ("unmappedPorts", .list(unmappedPorts.map(\.json))),
            ("unmappedMemory", .list(unmappedMemory.map(\.json))),
            ("refusedMSRs", .list(refusedMSRs.map(\.json))),
            ("postCode", postCode.map { .number(UInt64($0)) }),
        ])
    }
}

extension CPUSnapshot {
    fileprivate var json: JSON {
        .object([
            ("place", .text(place)),
            ("registers", .object(reportedRegisters.map { ($0.key, .text($0.value)) })),
            ("instruction", .text("\(instruction)")),
            ("stack", .list(reportedStack.map(JSON.text))),
        ])
    }
}

extension RunReport.Percentiles {
    fileprivate var json: JSON {
        .object([
            ("count", .number(count)), ("p50", .number(p50)), ("p90", .number(p90)), ("p99", .number(p99)),
            ("max", .number(max)),
        ])
    }
}

extension RunReport.UnmappedCount {
    fileprivate var json: JSON {
        .object([("address", .text(address)), ("reads", .number(reads)), ("writes", .number(writes))])
    }
}

extension DeviceReport {
    fileprivate var json: JSON {
        .object([
            ("name", .text(name)),
            ("consoleBytes", consoleBytes.map(JSON.number)),
            ("doorbellExits", doorbellExits.map(JSON.number)),
            ("fault", fault.map(JSON.text)),
            ("requests", requests.map(JSON.number)),
            ("failedRequests", failedRequests.map(JSON.number)),
            ("ports", ports.map { .list($0.map(\.json)) }),
            ("lastCode", lastCode.map { .number(UInt64($0)) }),
            ("lostRequests", lostRequests.map(JSON.number)),
        ])
    }
}

extension VirtioPortReport {
    fileprivate var json: JSON {
        .object([
            ("name", .text(name)), ("bytes", .number(bytes)), ("droppedBytes", .number(droppedBytes)),
            ("failure", failure.map(JSON.text)),
        ])
    }
}

extension JSON {
    fileprivate static func counts(_ counts: [(name: String, value: UInt64)]) -> JSON {
        .object(counts.map { ($0.name, .number($0.value)) })
    }

    fileprivate static func count(_ kind: String, _ place: String, _ direction: String, _ count: UInt64) -> JSON {
        .object([(kind, .text(place)), ("direction", .text(direction)), ("count", .number(count))])
    }
}
