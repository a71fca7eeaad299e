/// What the figures show, in sentences that are made from them.
struct ComputeFindings {
    let sentences: [String]

    init(_ rows: [ComputeRow]) {
        let notes = rows.first { $0.subject.place == .container }?.rounds.first?.notes ?? []
        sentences = Self.times(rows) + notes.map { "The container was not isolated: \($0)." }
    }

    private static func times(_ rows: [ComputeRow]) -> [String] {
        [ComputePlace.container, .ring3, .ring0].compactMap { place in
            let own = rows.filter { $0.subject.place == place }
            if let refusal = own.lazy.compactMap(\.refusal).first { return "Not measured: \(place.name), \(refusal)." }
            let times = own.compactMap { row in
                row.ratioToProcess.map {
                    "\(ShortNumber(($0.median * 1000).rounded() / 10)) % for \(row.subject.work.name)"
                }
            }
            guard !times.isEmpty else { return nil }
            return "A \(Self.phrase(place)) takes, of a host process's time, \(times.joined(separator: ", "))."
        }
    }

    private static func phrase(_ place: ComputePlace) -> String {
        switch place {
        case .ring3: "guest in ring 3"
        case .ring0: "guest in ring 0"
        case .process, .container: place.name
        }
    }
}
