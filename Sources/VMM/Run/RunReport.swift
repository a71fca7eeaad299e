import DeviceModel
import KVM

/// What a run did, in numbers. It encodes as the `--report` file's content.
public struct RunReport: Sendable, Encodable {
    public struct PortCount: Sendable, Equatable, Encodable {
        /// In hexadecimal, as `0x3f8`; `others` for all beyond the 256 that count most.
        public let port: String
        public let direction: String
        public let count: UInt64
    }

    public struct PageCount: Sendable, Equatable, Encodable {
        /// Guest-physical address of a page of 4 KiB, in hexadecimal.
        public let page: String
        public let direction: String
        public let count: UInt64
    }

    /// Of how long exits of one kind took to handle, in nanoseconds: from the moment that KVM_RUN came back to the next time that it is
    /// entered. The longest is exact, and so are the others where there are up to 64; else they are within 1 %. An exit that ended the
    /// run is not among them.
    public struct Percentiles: Sendable, Equatable, Encodable {
        public let count: UInt64
        public let p50: UInt64
        public let p90: UInt64
        public let p99: UInt64
        public let max: UInt64
    }

    /// Accesses that no device answered.
    public struct UnmappedCount: Sendable, Equatable, Encodable {
        /// The port, guest-physical address or register in hexadecimal; `others` for all beyond the first 256.
        public let address: String
        public let reads: UInt64
        public let writes: UInt64
    }

    /// From the first entry to the end of the run.
    public internal(set) var wallNanoseconds: Int64 = 0
    /// Processor time of all vCPUs' threads in that time, guest included.
    public internal(set) var cpuNanoseconds: Int64 = 0
    public internal(set) var exitCount: UInt64 = 0
    /// Writes to the serial port that waited in the kernel's ring and were no exits.
    public internal(set) var coalescedWrites: UInt64 = 0
    /// By the names of ``ExitKind``, without those that never came.
    @ByName public internal(set) var exitsByKind: [String: UInt64]
    /// How long exits took to handle, by kind; empty unless ``MachineConfiguration/measuresExits``.
    @ByName public internal(set) var latencies: [String: Percentiles]
    /// Sorted by port. A REP INS counts once.
    public internal(set) var exitsByPort: [PortCount] = []
    /// Sorted by address.
    public internal(set) var exitsByPage: [PageCount] = []
    /// What came of each device.
    public internal(set) var devices: [DeviceReport] = []
    /// Bytes that each console wrote, by the devices' names.
    @ByName public internal(set) var consoleBytes: [String: UInt64]
    /// Bytes of output that nobody took before the run ended.
    public internal(set) var unwrittenBytes = 0
    /// Doorbells of virtio devices that were exits; nil where there is no such device.
    public internal(set) var doorbellExits: UInt64?
    /// Requests to the hypercall doorbell that did not lie in RAM.
    public internal(set) var lostHypercalls: UInt64 = 0
    public internal(set) var unmappedPorts: [UnmappedCount] = []
    public internal(set) var unmappedMemory: [UnmappedCount] = []
    /// Model-specific registers, by number, that KVM does not know, or that were to take a value which it refuses: the guest got #GP.
    public internal(set) var refusedMSRs: [UnmappedCount] = []
    /// The last byte written to port 0x80.
    public internal(set) var postCode: UInt8?

    /// How many ports are told by themselves, each direction one: a guest can touch all there are.
    private static let portLimit = 256

    init() {}

    mutating func add(_ tally: ExitTally) {
        $exitsByKind = ExitKind.allCases.map { ($0.name, tally.kinds[$0.rawValue]) }.filter { $0.1 > 0 }
        exitCount = tally.kinds.reduce(0, &+)
        let (ports, otherPorts) = tally.ports.busiest(Self.portLimit)
        exitsByPort = ports.map {
            PortCount(port: hex($0.port), direction: Self.direction($0.isWrite), count: $0.count)
        }
        if otherPorts > 0 { exitsByPort.append(PortCount(port: "others", direction: "both", count: otherPorts)) }
        exitsByPage = tally.mmioPages.map {
            PageCount(page: hex($0.address), direction: Self.direction($0.isWrite), count: $0.count)
        }
        if tally.otherMMIO > 0 {
            exitsByPage.append(PageCount(page: "others", direction: "both", count: tally.otherMMIO))
        }
    }

    /// - Parameter devices: each with a name of its own.
    mutating func add(_ devices: [DeviceReport]) {
        self.devices = devices
        $consoleBytes = devices.compactMap { device in device.consoleBytes.map { (device.name, $0) } }
        for device in devices {
            if let exits = device.doorbellExits { doorbellExits = (doorbellExits ?? 0) &+ exits }
            if let code = device.lastCode { postCode = code }
            if let lost = device.lostRequests { lostHypercalls &+= lost }
        }
    }

    mutating func add(unmappedPorts ports: UnmappedAccesses, memory: UnmappedAccesses) {
        unmappedPorts = Self.counts(ports)
        unmappedMemory = Self.counts(memory)
    }

    mutating func add(refusedMSRs: UnmappedAccesses) {
        self.refusedMSRs = Self.counts(refusedMSRs)
    }

    private static func direction(_ isWrite: Bool) -> String { isWrite ? "write" : "read" }

    private static func counts(_ unmapped: UnmappedAccesses) -> [UnmappedCount] {
        var counts = unmapped.byAddress.sorted { $0.key < $1.key }
            .map { UnmappedCount(address: hex($0.key), reads: $0.value.reads, writes: $0.value.writes) }
        let others = unmapped.others
        if others.reads > 0 || others.writes > 0 {
            counts.append(UnmappedCount(address: "others", reads: others.reads, writes: others.writes))
        }
        return counts
    }
}

extension [ExitTally.PortCount] {
    /// So many that count most, in their order, and the sum of the others.
    fileprivate func busiest(_ limit: Int) -> (kept: Self, others: UInt64) {
        guard count > limit else { return (self, 0) }
        let byCount = indices.sorted { (self[$1].count, $0) < (self[$0].count, $1) }
        return (
            byCount.prefix(limit).sorted().map { self[$0] },
            byCount.dropFirst(limit).reduce(0) { $0 &+ self[$1].count }
        )
    }
}
