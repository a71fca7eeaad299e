import DeviceModel
import KVM

/// Where the vCPUs were when the run ended.
extension VirtualMachine {
    /// What is on the guest's text screen; nil where it has no RAM for one.
    public var screen: ScreenImage? { ScreenImage(of: parts.host.memory, parts.host.screen) }

    /// How many vCPUs' places are looked up in the image's symbols.
    private static var namedCount: Int { 16 }

    /// The state of each vCPU that was started, by its number. For a machine whose run is over.
    ///
    /// - Throws: `VMMError.kvm`.
    public func snapshots() throws(VMMError) -> [Int: CPUSnapshot] {
        let names = names
        var snapshots: [Int: CPUSnapshot] = [:]
        if let state = try first.startedSnapshot() { snapshots[0] = names.added(to: state) }
        for other in others {
            if let state = try other.runner.startedSnapshot() {
                let index = other.runner.index
                snapshots[index] = index < Self.namedCount ? names.added(to: state) : state
            }
        }
        return snapshots
    }

    /// A reason whose states have their symbols.
    func named(_ reason: StopReason) -> StopReason {
        switch reason {
        case .exception(var exception):
            exception.state = names.added(to: exception.state)
            return .exception(exception)
        case .tripleFault(var fault):
            fault.state = names.added(to: fault.state)
            return .tripleFault(fault)
        case .guestError(var error):
            error.state = names.added(to: error.state)
            return .guestError(error)
        default: return reason
        }
    }

    /// Read only now: few runs need them.
    private var names: SymbolNames { SymbolNames(of: parts.image, as: plan.boot) }
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

/// The symbols of an image as it lies in memory.
private struct SymbolNames {
    private let symbols: ELFSymbols?
    /// Where segments lie, and how far that is from where they were linked.
    private let segments: [(physical: UInt64, size: UInt64, virtual: UInt64)]

    init(of image: ImageReader, as boot: BootPlan) {
        guard let symbols = ELFSymbols(reading: image) else {
            (symbols, segments) = (nil, [])
            return
        }
        self.symbols = symbols
        segments = zip(ELFImage(reading: image).segments, boot.pieces).map {
            (physical: $1.address, size: $1.memorySize, virtual: $0.virtualAddress)
        }
    }

    /// By the linear address; where that is none of the image's, as before a kernel in the upper half has its page tables, by where the
    /// image was loaded.
    func added(to state: CPUSnapshot) -> CPUSnapshot {
        guard let symbols, state.mode != .real else { return state }
        let address = state.instructionAddress
        var state = state
        let loaded = segments.first { address &- $0.physical < $0.size }
        state.symbol =
            loaded.flatMap { symbols.name(of: address &- $0.physical &+ $0.virtual) } ?? symbols.name(of: address)
        return state
    }
}
