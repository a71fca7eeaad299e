import KVM

extension VCPURunner {
    /// Adds an exit's line to the trace: before it is handled, but of a read once its device has answered.
    ///
    /// - Parameters:
    ///   - time: when it came, in nanoseconds of the monotonic clock.
    ///   - answer: of an MMIO read.
    mutating func note(_ exit: VCPUExit, in trace: ExitTrace, at time: Int64, answer: UInt64 = 0) {
        var entry = TraceEntry(time: time, vcpu: index, kind: exit.traceName)
        switch exit {
        case .portRead(let access), .portWrite(let access):
            (entry.place, entry.width) = (UInt64(access.port), Int(access.width))
            entry.count = Int(access.count)
            entry.values = shownValues(access)
            entry.answerer = .port
        case .mmioRead(let address, let width):
            (entry.place, entry.width, entry.values, entry.answerer) = (address, Int(width), [answer], .memory)
            if width < 8 { entry.values = [answer & ~(.max << (UInt64(width) &* 8))] }
        case .mmioWrite(let address, let width, let value):
            (entry.place, entry.width, entry.values, entry.answerer) = (address, Int(width), [value], .memory)
        case .msrRead(let index): (entry.place, entry.width, entry.answerer) = (UInt64(index), 8, .refusal)
        case .msrWrite(let index, let value):
            (entry.place, entry.width, entry.values, entry.answerer) = (UInt64(index), 8, [value], .refusal)
        case .endOfInterrupt(let vector): entry.values = [UInt64(vector)]
        case .entryFailure(let reason, _), .unknownHardware(let reason): entry.values = [reason]
        case .internalError(let number, _), .systemEvent(let number), .unknown(let number):
            entry.values = [UInt64(number)]
        case .debug(_, let address): entry.values = [address]
        case .halt, .shutdown, .interrupted, .interruptWindowOpen, .nonMaskableInterrupt: break
        }
        trace.add(entry)
    }

    private mutating func shownValues(_ access: PortAccess) -> [UInt64] {
        vcpu.withPortData { data in
            var values: [UInt64] = []
            Self.forEachElement(of: access, in: data.count) { offset, width in
                guard values.count < TraceEntry.shownValues else { return }
                values.append(Self.element(of: data, at: offset, width))
            }
            return values
        }
    }
}

extension VCPUExit {
    /// Whether a device's answer is a part of it.
    var isRead: Bool {
        switch self {
        case .portRead, .mmioRead: true
        default: false
        }
    }

    fileprivate var traceName: String {
        switch self {
        case .portRead, .portWrite, .mmioRead, .mmioWrite, .msrRead, .msrWrite, .halt, .shutdown, .interrupted:
            ExitKind(self).name
        case .entryFailure: "entryFailure"
        case .internalError: "internalError"
        case .endOfInterrupt: "endOfInterrupt"
        case .systemEvent: "systemEvent"
        case .debug: "debug"
        case .interruptWindowOpen: "interruptWindow"
        case .nonMaskableInterrupt: "nmi"
        case .unknownHardware: "unknownHardware"
        case .unknown: "unknown"
        }
    }
}
