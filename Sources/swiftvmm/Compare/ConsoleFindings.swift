/// What the figures show, in sentences that are made from them.
struct ConsoleFindings {
    let sentences: [String]

    init(_ rows: [ConsoleRow]) {
        let best = { (technique: ConsoleTechnique) in
            rows.filter { $0.subject.technique == technique }.max { $0.subject.buffer < $1.subject.buffer }
        }
        sentences = [
            Self.virtio(best(.virtio)), Self.doorbells(best(.virtio), best(.virtioExits)),
            Self.coalescing(best(.blind), best(.blindCoalesced)),
        ].compactMap(\.self)
    }

    private static func virtio(_ virtio: ConsoleRow?) -> String? {
        guard let virtio, let blind = virtio.ratioToBlind, let plain = virtio.ratioToPlain else { return nil }
        return
            "With buffers of \(virtio.subject.bufferName) virtio moves \(comparison(blind, of: "a UART's bytes per second at one exit each"))"
            + ", and \(ShortNumber(plain * 100)) % of what a process without a virtual machine writes."
    }

    private static func doorbells(_ event: ConsoleRow?, _ exits: ConsoleRow?) -> String? {
        guard let event, let exits else { return nil }
        let (a, b) = (event.bytesPerSecond, exits.bytesPerSecond)
        if a.min <= b.max, b.min <= a.max, a.min < a.max {
            return "Whether its doorbells are exits makes no difference that could be measured: few buffers need one."
        }
        let ratio = event.bytesPerSecond.median / exits.bytesPerSecond.median
        return
            "Doorbells without exits (ioeventfd) give it \(comparison(ratio, of: "the speed of doorbells by exits"))."
    }

    private static func coalescing(_ blind: ConsoleRow?, _ coalesced: ConsoleRow?) -> String? {
        guard let blind, let coalesced else { return nil }
        let ratio = coalesced.bytesPerSecond.median / blind.bytesPerSecond.median
        return "A byte to the UART takes \(ShortNumber(blind.nanosecondsPerByte / 1000)) µs as an exit; "
            + "waiting in the kernel's ring gives it \(comparison(ratio, of: "the speed"))."
    }

    private static func comparison(_ ratio: Double, of what: String) -> String { "\(ShortNumber(ratio)) times \(what)" }
}
