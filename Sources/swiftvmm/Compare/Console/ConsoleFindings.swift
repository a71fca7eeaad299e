/// What the figures show, in sentences that are made from them.
struct ConsoleFindings {
    let sentences: [String]

    init(_ rows: [ConsoleRow]) {
        let largest = { (technique: ConsoleTechnique) in
            rows.filter { $0.subject.technique == technique }.max { $0.subject.buffer < $1.subject.buffer }
        }
        sentences = [
            Self.virtio(largest(.virtio), rows.filter { $0.subject.technique == .virtio }),
            Self.doorbells(largest(.virtio), largest(.virtioExits)),
            Self.coalescing(largest(.blind), largest(.blindCoalesced)),
        ].compactMap(\.self)
    }

    private static func virtio(_ virtio: ConsoleRow?, _ all: [ConsoleRow]) -> String? {
        guard let virtio, let blind = virtio.ratioToBlind, let plain = virtio.ratioToPlain else { return nil }
        let others = all.filter { $0.subject != virtio.subject }.compactMap { row in
            row.ratioToPlain.map { "; with \(row.subject.bufferName) \(ShortNumber($0 * 100)) %" }
        }
        return
            "With buffers of \(virtio.subject.bufferName) virtio moves \(comparison(blind, of: "the bytes per second of a UART whose every byte is an exit"))"
            + ", and \(ShortNumber(plain * 100)) % of what a process without a virtual machine writes with the same\(others.joined())."
    }

    private static func doorbells(_ event: ConsoleRow?, _ exits: ConsoleRow?) -> String? {
        guard let event, let exits else { return nil }
        let ratios = zip(event.rounds, exits.rounds).map { $0.bytesPerSecond / $1.bytesPerSecond }
        guard let ratio = Spread(ratios) else { return nil }
        let perDoorbell = Spread(
            exits.rounds.compactMap { round in
                guard let doorbells = round.exits?.doorbells, doorbells > 0 else { return nil }
                return Double(round.byteCount) / Double(exits.subject.buffer) / Double(doorbells)
            })
        let reason = perDoorbell.map { ": one doorbell stands for \(ShortNumber($0.median)) buffers" } ?? ""
        // Some rounds say this, and some that.
        if ratio.min < 1, ratio.max > 1 {
            return "Whether its doorbells are exits makes no difference that these rounds show\(reason)."
        }
        return "Doorbells without exits (ioeventfd) give it "
            + "\(comparison(ratio.median, of: "the speed of doorbells by exits"))\(reason)."
    }

    private static func coalescing(_ blind: ConsoleRow?, _ coalesced: ConsoleRow?) -> String? {
        guard let blind, let ratio = coalesced?.ratioToBlind else { return nil }
        return "A byte to the UART takes \(ShortNumber(blind.nanosecondsPerByte / 1000)) µs as an exit; "
            + "waiting in the kernel's ring gives it \(comparison(ratio, of: "the speed"))."
    }

    private static func comparison(_ ratio: Double, of what: String) -> String { "\(ShortNumber(ratio)) times \(what)" }
}
