/// What one comparison comes to, in a line of a table that has a column for each kind of isolation.
struct Glance {
    let name: String
    /// Without one for what this comparison says nothing of.
    let cells: [Isolation.Kind: String]

    init(name: String, cells: [Isolation.Kind: String]) {
        (self.name, self.cells) = (name, cells)
    }

    /// The simplest of each kind stands for it; a reason for what is missing is in the whole table.
    init<Figures, Round>(_ name: String, _ rows: [IsolationRow<Figures, Round>], _ text: (Figures) -> String) {
        let simplest = rows.filter { [.process, .container, .longMode].contains($0.isolation) }
        self.init(
            name: name,
            cells: Dictionary(
                simplest.compactMap { row in row.figures.map { (row.isolation.kind, text($0)) } },
                uniquingKeysWith: { $1 }))
    }

    /// The lines of several comparisons, as a table.
    static func table(_ lines: [Glance]) -> String {
        let kinds: [(Isolation.Kind, title: String)] = [
            (.process, "host process"), (.container, "container"), (.machine, "virtual machine"),
        ]
        var table = ColumnTable([("", .left)] + kinds.map { ($0.title, .right) })
        for line in lines { table.add([line.name] + kinds.map { line.cells[$0.0] ?? "–" }) }
        return table.text
    }
}
