import Testing

@testable import VMM

@Suite("Entry: the measured states")
struct EntryTableTests {
    @Test("a state that some host refused is refused in words, one that all took passes", arguments: EntryTable.rows)
    func verdict(row: EntryRow) throws {
        let violation = row.state.entryViolation()
        guard let refusal = row.refusal else {
            #expect(violation == nil)
            return
        }
        let message = try #require(violation).description
        #expect(message.contains(refusal), "\(message)")
    }

    @Test("a verdict that differs from the hosts' names its reason, and no other does", arguments: EntryTable.rows)
    func exceptions(row: EntryRow) {
        let agrees = row.isTakenEverywhere == (row.refusal == nil)
        #expect(agrees == (row.exception == nil))
    }

    @Test("the table is whole: 67 states, three of them good, twelve spoiled ones taken everywhere, three exceptions")
    func counts() {
        let rows = EntryTable.rows
        #expect(rows.count == 67)
        #expect(Set(rows.map(\.name)).count == 67)
        #expect(rows.filter { $0.name.hasSuffix(": ok") }.count == 3)
        #expect(rows.filter(\.isTakenEverywhere).count == 3 + 12)
        #expect(rows.filter { $0.exception != nil }.count == 3)
    }

    @Test("a row spoils its state, unless it is about events or debug registers, which a state does not hold")
    func spoils() {
        let unspoiled = EntryTable.rows.filter { $0.state == $0.base }.map(\.name)
        #expect(unspoiled == (EntryTable.good + EntryTable.events).map(\.name))
    }
}
