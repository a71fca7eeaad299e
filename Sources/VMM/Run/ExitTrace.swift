import DeviceModel
import LinuxHost
import Synchronization
import SystemPackage

/// A line of text for each exit of a machine: when it came and on which vCPU, what it was, and what answered. It belongs to one machine.
///
/// Where it cannot be written any more it is given up, and the run goes on; ``failure`` tells. A reader that takes nothing holds the guest
/// up, as one of its output does.
///
/// Concurrency model: any thread may add a line, which is whole; the order is that in which exits are handled. vCPUs' threads write what
/// waits: when that is much or old, and whenever they are kicked, which happens each second at least.
public final class ExitTrace: Sendable {
    /// How long it becomes at most, in bytes, its last line not counted.
    public static let standardLimit = 256 << 20
    /// How old the first line that waits may become before all are written, in nanoseconds.
    private static let patience: Int64 = 1_000_000_000

    private struct State {
        var names = SlotNames()
        /// When the run began, in nanoseconds of the monotonic clock.
        var start: Int64 = 0
        var lastFlush: Int64 = 0
        var room: Int
        var line = TraceLine()
        var failure: Errno?
    }

    private let limit: Int
    private let output: ConsoleOutput
    private let state: Mutex<State>
    private let isOpen = Atomic<Bool>(true)
    private let mustFlush = Atomic<Bool>(false)

    /// - Parameters:
    ///   - descriptor: stays open as long as the machine runs; it is not closed.
    ///   - limit: in bytes. A line tells where it was reached; the run goes on without a trace.
    public init(descriptor: Int32, limit: Int = standardLimit) {
        self.limit = limit
        output = ConsoleOutput(descriptor: descriptor)
        state = Mutex(State(room: limit))
    }

    /// Why it was given up, if it was.
    public var failure: Errno? { state.withLock { $0.failure } }

    /// How many bytes its reader had not taken when the run was over.
    public var unwrittenByteCount: Int { output.pendingCount }

    /// The run begins.
    func begin(_ plan: MachinePlan) {
        state.withLock { state in
            state.names = SlotNames(plan)
            state.start = MonotonicClock.now
            state.lastFlush = state.start
            add(TraceLine.title, &state)
        }
    }

    func add(_ entry: TraceEntry) {
        guard isOpen.load(ordering: .relaxed) else { return }
        state.withLock { state in
            state.line.write(entry, since: state.start, state.names)
            add(state.line.bytes, &state)
            if output.isFull || entry.time &- state.lastFlush >= Self.patience {
                mustFlush.store(true, ordering: .relaxed)
            }
        }
    }

    private func add(_ line: [UInt8], _ state: inout State) {
        guard isOpen.load(ordering: .relaxed) else { return }
        if line.count <= state.room {
            state.room -= line.count
            // SAFETY: raw bytes of a byte span are its elements.
            unsafe output.write(line.span.bytes)
        } else {
            isOpen.store(false, ordering: .relaxed)
            let last = Array("# The trace ends here, at its limit of \(limit) bytes; the run goes on.\n".utf8)
            unsafe output.write(last.span.bytes)
        }
    }

    /// Whether what waits should be written now.
    var isDue: Bool { hasPending && mustFlush.load(ordering: .relaxed) }

    var hasPending: Bool { output.pendingCount > 0 }

    /// Writes what waits, as ``ConsoleOutput/flush(waits:unless:)`` does.
    func flush(waits: Bool = false, unless shouldGiveUp: (_ idle: Int64) -> Bool) {
        mustFlush.store(false, ordering: .relaxed)
        guard failure == nil else { return }
        let result = output.flush(waits: waits, unless: shouldGiveUp)
        state.withLock { state in
            state.lastFlush = MonotonicClock.now
            guard case .failed(let error) = result else { return }
            isOpen.store(false, ordering: .relaxed)
            state.failure = error
        }
    }
}

/// What a line tells.
struct TraceEntry {
    /// How many elements of a string instruction are shown.
    static let shownValues = 8

    /// When the exit came, in nanoseconds of the monotonic clock.
    var time: Int64
    /// Nil where nobody knows.
    var vcpu: Int?
    var kind: String
    /// The port, guest-physical address or register.
    var place: UInt64?
    /// Of an element, in bytes.
    var width: Int?
    var count = 1
    /// Of the elements, ``shownValues`` at most.
    var values: [UInt64] = []
    var answerer = Answerer.none

    enum Answerer {
        case none
        case port, memory
        /// The guest gets an exception.
        case refusal
    }
}

/// The bytes of a line, made anew for each exit in one place.
struct TraceLine {
    /// Where the columns begin behind the time, which ends with the first of them.
    private static let columns = [14, 19, 31, 43, 49]
    static let title = Array("#   time in µs vCPU kind        place       width value       answered by\n".utf8)

    private(set) var bytes: [UInt8] = []

    mutating func write(_ entry: TraceEntry, since start: Int64, _ names: SlotNames) {
        bytes.removeAll(keepingCapacity: true)
        // What waited in the ring, and what came while the run began, may be a little older than the beginning.
        let time = UInt64(clamping: entry.time &- start)
        let micros = "\(time / 1000)"
        pad(to: Self.columns[0] - 4 - micros.utf8.count)
        put("\(micros).")
        let rest = "\(time % 1000)"
        put(String(repeating: "0", count: 3 - rest.utf8.count) + rest)
        putColumn(entry.vcpu.map { "\($0)" } ?? "-", at: Self.columns[0])
        putColumn(entry.kind, at: Self.columns[1])
        putColumn(entry.place.map(hex) ?? "-", at: Self.columns[2])
        putColumn(entry.width.map { entry.count == 1 ? "\($0)" : "\($0)x\(entry.count)" } ?? "-", at: Self.columns[3])
        let more = entry.count > entry.values.count && !entry.values.isEmpty ? ",…" : ""
        putColumn(
            entry.values.isEmpty ? "-" : entry.values.map(hex).joined(separator: ",") + more, at: Self.columns[4])
        putColumn(names.answerer(of: entry), at: Self.columns[4] + 12)
        put("\n")
    }

    /// In its place, or behind what is too wide for its own.
    private mutating func putColumn(_ text: String, at column: Int) {
        put(" ")
        pad(to: column + 1)
        put(text)
    }

    private mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func pad(to column: Int) {
        while bytes.count < column { bytes.append(UInt8(ascii: " ")) }
    }
}

/// Which slot of a plan answers an access.
struct SlotNames {
    private var places: [(name: String, isMemory: Bool, start: UInt64, end: UInt64)] = []

    init() {}

    init(_ plan: MachinePlan) {
        for slot in plan.devices {
            for range in slot.ranges {
                switch range {
                case .ports(let ports):
                    places.append((slot.name, false, UInt64(ports.lowerBound), UInt64(ports.upperBound)))
                case .memory(let memory): places.append((slot.name, true, memory.lowerBound, memory.upperBound))
                }
            }
        }
        if plan.interrupts == .split {
            places.append(("ioAPIC", true, HighMemory.ioAPIC, HighMemory.ioAPIC + IOAPIC.size))
        }
    }

    func answerer(of entry: TraceEntry) -> String {
        switch entry.answerer {
        case .none: "-"
        case .refusal: "refused"
        case .port: name(entry, isMemory: false)
        case .memory: name(entry, isMemory: true)
        }
    }

    /// As a bus does it: a device owns all bytes of an access or none.
    private func name(_ entry: TraceEntry, isMemory: Bool) -> String {
        let (address, width) = (entry.place ?? 0, UInt64(clamping: entry.width ?? 0))
        let (end, wraps) = address.addingReportingOverflow(width)
        guard !wraps else { return "unmapped" }
        return places.first { $0.isMemory == isMemory && $0.start <= address && end <= $0.end }?.name ?? "unmapped"
    }
}
