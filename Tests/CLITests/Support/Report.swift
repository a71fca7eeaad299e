import FoundationEssentials

/// What `--report` writes, as another program reads it.
struct Report: Decodable {
    struct Stop: Decodable, Equatable {
        let reason: String
        let status: Int32
        let message: String
    }

    struct Run: Decodable {
        let wallNanoseconds: Int64
        let cpuNanoseconds: Int64
        let exitCount: UInt64
        let exitsByKind: [String: UInt64]
        let latencies: [String: Percentiles]
        let exitsByPort: [PortCount]
        let exitsByPage: [PageCount]
        let consoleBytes: [String: UInt64]
        let unwrittenBytes: Int
        let unmappedPorts: [UnmappedCount]
        let doorbellExits: UInt64?
        let devices: [Device]
        let postCode: UInt8?

        /// Of the virtio-console, beside the console itself.
        var virtioPorts: [VirtioPort] { devices.compactMap(\.ports).flatMap(\.self) }
    }

    struct Device: Decodable, Equatable {
        let name: String
        let fault: String?
        let ports: [VirtioPort]?
        let requests: UInt64?
        let failedRequests: UInt64?
    }

    struct VirtioPort: Decodable, Equatable {
        let name: String
        let bytes: UInt64
        let droppedBytes: UInt64
        let failure: String?
    }

    struct Percentiles: Decodable, Equatable {
        let count: UInt64
        let p50: UInt64
        let p90: UInt64
        let p99: UInt64
        let max: UInt64
    }

    struct PortCount: Decodable, Equatable {
        let port: String
        let direction: String
        let count: UInt64
    }

    struct PageCount: Decodable, Equatable {
        let page: String
        let direction: String
        let count: UInt64
    }

    struct UnmappedCount: Decodable, Equatable {
        let address: String
        let reads: UInt64
        let writes: UInt64
    }

    let image: String
    let stop: Stop
    let run: Run?

    init(_ bytes: [UInt8]) throws {
        self = try JSONDecoder().decode(Report.self, from: Data(bytes))
    }
}
