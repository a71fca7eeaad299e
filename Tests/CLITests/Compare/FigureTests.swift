import Testing

@testable import Comparison

@Suite("Figures as text")
struct FigureTests {
    @Test(
        "a number has three digits that count",
        arguments: [
            (0, "0"), (1, "1"), (-2.5, "-2.5"), (1.234, "1.23"), (9.996, "10"), (12.34, "12.3"), (99.96, "100"),
            (123.4, "123"), (999.6, "1,000"), (1234, "1,230"), (1_234_567, "1,230,000"), (0.1236, "0.124"),
            (0.001, "0.001"), (0.0012345, "0.00123"), (0.00099, "9.9e-4"), (1.54e-7, "1.5e-7"), (9.97e-8, "1e-7"),
            (2e-5, "2e-5"),
        ] as [(Double, String)])
    func numbers(value: Double, text: String) {
        #expect("\(ShortNumber(value))" == text)
    }

    @Test(
        "a rate has the unit that suits it",
        arguments: [
            (1, "1 B/s"), (999, "999 B/s"), (999.9, "1 kB/s"), (16_540, "16.5 kB/s"), (1e6, "1 MB/s"),
            (3.456e8, "346 MB/s"), (9.999e8, "1 GB/s"), (2.34e9, "2.34 GB/s"), (0.5, "0.5 B/s"),
        ] as [(Double, String)])
    func rates(value: Double, text: String) {
        #expect("\(ByteRate(value))" == text)
    }

    @Test("a range is told in the unit of its middle")
    func range() {
        #expect(ByteRate(1.2e9).range(0.98e9, 1.31e9) == "0.98–1.31")
    }

    @Test("the middle of an even number of values is between two")
    func spread() {
        #expect(Spread([]) == nil)
        #expect(Spread([3]).map { [$0.min, $0.median, $0.max] } == [3, 3, 3])
        #expect(Spread([4, 1, 3, 2]).map { [$0.min, $0.median, $0.max] } == [1, 2.5, 4])
        #expect(Spread([9, 1, 5]).map { [$0.min, $0.median, $0.max] } == [1, 5, 9])
    }

    @Test("a table's columns are as wide as their widest cell")
    func table() {
        var table = ColumnTable([("name", .left), ("µs", .right), ("note", .left)])
        table.add(["a", "1.5", ""])
        table.add(["longer", "10", "x"])
        #expect(
            table.text == """
                name     µs  note
                ──────  ───  ────
                a       1.5
                longer   10  x
                """)
    }
}
