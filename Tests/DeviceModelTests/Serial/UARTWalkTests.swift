import DeviceModel
import Testing

/// Every sequence of a few operations, done to `UART16550` and to `DataSheetUART`: each must give the same.
///
/// The walk goes breadth first and keeps each pair of states once. What follows depends on the two states only, so a
/// sequence that leads to a pair already met shows nothing that the earlier one does not: all sequences are covered,
/// and the first difference found is one of the shortest.
@Suite("Walk of a 16550 UART")
struct UARTWalkTests {
    /// How many operations long the sequences are: 27 to this power are covered. Each more takes about three times as
    /// long; change it to go deeper.
    static let depth = 6

    /// Two descriptions of a chip, the last operation, and where in the list the pair before it stands.
    struct Pair {
        var uart: UART16550
        var sheet: DataSheetUART
        var last: UARTOperation?
        var parent: Int

        /// After one more operation; nil if the two then show different things.
        func after(_ operation: UARTOperation, parent: Int) -> Pair? {
            var next = Pair(uart: uart, sheet: sheet, last: operation, parent: parent)
            return next.uart.perform(operation) == next.sheet.perform(operation) ? next : nil
        }
    }

    @Test("no short sequence of operations tells the chip from a second description of it")
    func walk() {
        var pairs = [Pair(uart: UART16550(), sheet: DataSheetUART(), last: nil, parent: 0)]
        var met = [pairs[0].sheet: [pairs[0].uart]]
        var frontier = 0..<1
        for _ in 0..<Self.depth {
            for index in frontier {
                for operation in UARTOperation.alphabet {
                    guard let next = pairs[index].after(operation, parent: index) else {
                        report(operation, after: index, in: pairs)
                        return
                    }
                    if met[next.sheet, default: []].contains(next.uart) { continue }
                    met[next.sheet, default: []].append(next.uart)
                    pairs.append(next)
                }
            }
            frontier = frontier.upperBound..<pairs.count
        }
        // A walk that stands still would pass too.
        #expect(pairs.count > 10_000)
    }

    private func report(_ operation: UARTOperation, after index: Int, in pairs: [Pair]) {
        var sequence = [operation]
        var at = index
        while let last = pairs[at].last {
            sequence.insert(last, at: 0)
            at = pairs[at].parent
        }
        var (uart, sheet) = (pairs[index].uart, pairs[index].sheet)
        let seen = uart.perform(operation)
        let expected = sheet.perform(operation)
        Issue.record("after \(sequence) there is \(seen), data sheet \(expected)")
    }
}
