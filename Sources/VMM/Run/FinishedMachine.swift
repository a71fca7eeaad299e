import DeviceModel
import KVM

/// A machine whose run is over, and what came of it: also where the host failed. Its memory and its descriptors are given back with the
/// last reference to it.
public final class FinishedMachine: Sendable {
    /// How many vCPUs' places are looked up in the image's symbols.
    private static var namedCount: Int { 16 }

    private let machine: VirtualMachine
    private let outcome: RunOutcome
    private let wallNanoseconds: Int64
    private let abandonedBytes: UInt64

    /// - Parameters:
    ///   - wallNanoseconds: how long the run took.
    ///   - abandonedBytes: how many bytes devices were given that nobody has taken.
    init(
        _ machine: consuming VirtualMachine, _ outcome: RunOutcome, wallNanoseconds: Int64 = 0,
        abandonedBytes: UInt64 = 0
    ) {
        self.wallNanoseconds = wallNanoseconds
        self.abandonedBytes = abandonedBytes
        let (control, consoleEnds) = (machine.control, machine.consoleEnds)
        switch outcome {
        // Few have one.
        case .ended(let reason) where reason.state != nil:
            let names = SymbolNames(of: machine.parts.image, as: machine.plan.boot)
            self.outcome = .ended(names.added(to: reason))
        case .ended, .failed: self.outcome = outcome
        }
        self.machine = machine
        // All that belongs to the run is over. The consoles' ends know, unless the run failed before it began.
        consoleEnds.machineEnded()
        switch self.outcome {
        case .ended(let reason): control.noteEnd(.ended(reason))
        case .failed(let error): control.noteEnd(.failed(error))
        }
    }

    private var parts: MachineParts { machine.parts }

    /// What the machine was.
    public var plan: MachinePlan { machine.plan }

    /// Why the run ended.
    ///
    /// - Throws: ``failure``, where there is one.
    public var reason: StopReason {
        get throws(VMMError) {
            switch outcome {
            case .ended(let reason): reason
            case .failed(let error): throw error
            }
        }
    }

    /// What of the host failed and ended the run: `VMMError.kvm`, `.host`, or `.output` where a console's output cannot be written.
    /// Nil where the run ended by the guest or by request.
    public var failure: VMMError? {
        if case .failed(let error) = outcome { error } else { nil }
    }

    /// The guest's RAM as the end found it.
    public var memory: MachineMemory { MachineMemory(parts.host.memory) }

    /// What is on the guest's text screen; nil where it has no RAM for one.
    public var screen: ScreenImage? { ScreenImage(of: parts.host.memory, parts.host.screen) }

    /// The registers of each vCPU that was started, by its number, with the place's symbol where the image has symbols.
    ///
    /// - Throws: `VMMError.kvm`.
    public func snapshots() throws(VMMError) -> [Int: CPUSnapshot] {
        let names = SymbolNames(of: parts.image, as: plan.boot)
        var snapshots: [Int: CPUSnapshot] = [:]
        if let state = try machine.first.startedSnapshot() { snapshots[0] = names.added(to: state) }
        for other in machine.others {
            if let state = try other.runner.startedSnapshot() {
                let index = other.runner.index
                snapshots[index] = index < Self.namedCount ? names.added(to: state) : state
            }
        }
        return snapshots
    }

    /// How much output nobody had taken when the run ended, in bytes.
    public var unwrittenByteCount: Int {
        parts.outputs.reduce(Int(clamping: abandonedBytes)) { $0 + $1.pendingCount }
    }

    /// What came of each device.
    public var deviceReports: [DeviceReport] { parts.devices.map(\.report) }

    /// What the run did, in numbers.
    public var report: RunReport {
        var report = RunReport()
        report.wallNanoseconds = wallNanoseconds
        report.unwrittenBytes = unwrittenByteCount
        var tally = machine.first.tally
        var latencies = machine.first.latencies
        report.cpuNanoseconds = machine.first.cpuNanoseconds
        for other in machine.others {
            tally.add(other.runner.tally)
            if let more = other.runner.latencies { latencies?.add(more) }
            report.cpuNanoseconds += other.runner.cpuNanoseconds
        }
        report.add(tally)
        if let latencies { report.$latencies = latencies.percentiles }
        report.coalescedWrites = parts.host.coalescing.count
        report.add(deviceReports)
        report.add(unmappedPorts: parts.ports.unmapped, memory: parts.mmio.unmapped)
        report.add(refusedMSRs: parts.refusedMSRs)
        return report
    }
}

/// How a run ended. An enumeration of its own instead of a `Result`, for which the runtime searches for conformances as a run starts.
enum RunOutcome: Equatable {
    case ended(StopReason)
    case failed(VMMError)
}

extension VCPURunner {
    /// Nil for a vCPU that no other has started.
    fileprivate func startedSnapshot() throws(VMMError) -> CPUSnapshot? {
        let isWaiting = try kvm { () throws(KVMError) in
            machine.host.interrupts.exist ? try vcpu.activity() == .waitingForStart : false
        }
        return isWaiting ? nil : try snapshot()
    }
}
