/// One row of the comparison: a work, and where it is done.
struct ComputeSubject: Hashable {
    static let all = ComputeWork.allCases.flatMap { work in
        ComputePlace.allCases.map { ComputeSubject(work: work, place: $0) }
    }

    let work: ComputeWork
    let place: ComputePlace

    var name: String { "\(work.name), \(place.name)" }
}
