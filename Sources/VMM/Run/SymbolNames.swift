/// The symbols of an image as it lies in memory.
struct SymbolNames {
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

    /// A reason whose states have their symbols.
    func added(to reason: StopReason) -> StopReason {
        switch reason {
        case .exception(var exception):
            exception.state = added(to: exception.state)
            return .exception(exception)
        case .tripleFault(var fault):
            fault.state = added(to: fault.state)
            return .tripleFault(fault)
        case .guestError(var error):
            error.state = added(to: error.state)
            return .guestError(error)
        default: return reason
        }
    }
}
