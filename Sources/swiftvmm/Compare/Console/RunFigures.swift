/// What `compare` takes from a report of `swiftvmm run`.
struct RunFigures: Decodable {
    struct Stop: Decodable {
        let reason: String
        let status: Int32
        let message: String
    }

    struct Percentiles: Decodable {
        let count: UInt64
        let p50: UInt64
        let p99: UInt64
        let max: UInt64
    }

    struct Run: Decodable {
        let exitCount: UInt64
        let exitsByKind: [String: UInt64]
        let coalescedWrites: UInt64
        let doorbellExits: UInt64?
        let latencies: [String: Percentiles]
    }

    let stop: Stop
    /// Nil where no machine could be made.
    let run: Run?
}

extension ConsoleRound.Exits {
    init(_ run: RunFigures.Run) {
        let main = run.latencies.max { ($0.value.count, $1.key) < ($1.value.count, $0.key) }
        self.init(
            count: run.exitCount, byKind: run.exitsByKind, coalescedWrites: run.coalescedWrites,
            doorbells: run.doorbellExits,
            mainKind: main?.key,
            p50: main?.value.p50, p99: main?.value.p99, max: main?.value.max)
    }
}
