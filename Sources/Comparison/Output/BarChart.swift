import Glibc

/// Horizontal bars on a logarithmic axis, in groups of one colour each.
struct BarChart {
    struct Bar {
        let name: String
        let value: Double
        let low: Double
        let high: Double
        /// The value in words, at the bar's end; without a bar, why there is none.
        let label: String
        let isMissing: Bool

        init(name: String, value: Double, low: Double, high: Double, label: String) {
            (self.name, self.value, self.low, self.high, self.label) = (name, value, low, high, label)
            isMissing = false
        }

        init(name: String, _ spread: Spread, label: String) {
            self.init(name: name, value: spread.median, low: spread.min, high: spread.max, label: label)
        }

        /// What was not measured.
        init(name: String, reason: String) {
            (self.name, label) = (name, reason)
            (value, low, high, isMissing) = (0, 0, 0, true)
        }
    }

    struct Group {
        let name: String
        let colour: Ink
        let bars: [Bar]
    }

    let title: String
    let subtitles: [String]
    let groups: [Group]
    /// In which direction bars are good.
    let note: String
    /// What is at a power of ten.
    let axisLabel: (Double) -> String

    private static let width = 960.0
    private static let margin = 24.0
    private static let nameWidth = 232.0
    /// Room for the label of the longest bar.
    private static let labelWidth = 112.0
    private static let barHeight = 16.0
    private static let step = 24.0
    private static let groupGap = 14.0

    private static var left: Double { margin + nameWidth + 12 }
    private static var right: Double { width - margin - labelWidth }
    private var top: Double { 96 + 18 * Double(subtitles.count) }
    private var barCount: Int { groups.reduce(0) { $0 + $1.bars.count } }
    private var bottom: Double {
        top + Double(barCount) * Self.step + Double(groups.count - 1) * Self.groupGap + 4
    }

    var svg: String {
        let axis = LogAxis(groups.flatMap(\.bars).filter { !$0.isMissing }.flatMap { [$0.low, $0.value, $0.high] })
        var drawing = SVGDrawing(width: Int(Self.width), height: Int(bottom + 52), title: title)
        drawHead(&drawing)
        drawAxis(axis, &drawing)
        var y = top + 4
        for group in groups {
            for bar in group.bars {
                draw(bar, group.colour, y, axis, &drawing)
                y += Self.step
            }
            y += Self.groupGap
        }
        drawing.text(
            "\(note) Logarithmic: each line is ten times the one before. The thin line is how far the rounds reach.",
            x: Self.margin, y: bottom + 40, size: 12, fill: .faint)
        return drawing.text
    }

    private func drawHead(_ drawing: inout SVGDrawing) {
        drawing.text(title, x: Self.margin, y: 36, size: 20, isBold: true)
        for (index, line) in subtitles.enumerated() {
            drawing.text(line, x: Self.margin, y: 58 + 18 * Double(index), size: 12.5, fill: .faint)
        }
        var x = Self.left
        for group in groups {
            let y = top - 24
            drawing.rectangle(x: x, y: y - 11, width: 13, height: 13, fill: group.colour, cornerRadius: 2)
            drawing.text(group.name, x: x + 19, y: y, size: 13)
            x += 19 + Double(group.name.count) * 7.2 + 24
        }
    }

    private func drawAxis(_ axis: LogAxis, _ drawing: inout SVGDrawing) {
        var value = 1.0
        for _ in 0..<abs(axis.decades.lowerBound) { value = axis.decades.lowerBound > 0 ? value * 10 : value / 10 }
        for _ in axis.decades {
            let x = place(value, axis)
            drawing.line(from: (x, top), to: (x, bottom), stroke: .grid)
            drawing.text(axisLabel(value), x: x, y: bottom + 18, size: 12, fill: .faint, anchor: .middle)
            value *= 10
        }
    }

    private func draw(_ bar: Bar, _ colour: Ink, _ y: Double, _ axis: LogAxis, _ drawing: inout SVGDrawing) {
        let (end, middle) = (place(bar.value, axis), y + Self.barHeight / 2)
        drawing.text(bar.name, x: Self.left - 12, y: middle + 4.5, size: 13, anchor: .end)
        if bar.isMissing {
            // As much as there is room for.
            let reason = bar.label.count > 90 ? "\(bar.label.prefix(89))…" : bar.label
            return drawing.text(reason, x: Self.left + 7, y: middle + 4.5, size: 12, fill: .faint)
        }
        drawing.rectangle(
            x: Self.left, y: y, width: end - Self.left, height: Self.barHeight, fill: colour, cornerRadius: 2)
        let (low, high) = (place(bar.low, axis), place(bar.high, axis))
        drawing.line(from: (low, middle), to: (high, middle), stroke: .text, width: 1.5)
        for x in [low, high] {
            drawing.line(from: (x, middle - 4), to: (x, middle + 4), stroke: .text, width: 1.5)
        }
        // On paper, whatever line of the grid is behind it.
        let text = max(end, high) + 7
        drawing.rectangle(
            x: text - 2, y: y, width: Double(bar.label.count) * 7.4 + 4, height: Self.barHeight, fill: .paper)
        drawing.text(bar.label, x: text, y: middle + 4.5, size: 13, isBold: true)
    }

    private func place(_ value: Double, _ axis: LogAxis) -> Double {
        Self.left + axis.position(value) * (Self.right - Self.left)
    }
}

/// A logarithmic axis over whole decades.
struct LogAxis {
    /// Powers of ten.
    let decades: ClosedRange<Int>

    /// An axis on which the smallest value can still be seen.
    init(_ values: [Double]) {
        let positive = values.filter { $0 > 0 && $0.isFinite }
        let low = log10(positive.min() ?? 1)
        let high = log10(positive.max() ?? 1)
        // A tenth of a decade at least from the beginning.
        let first = Int((low - 0.1).rounded(.down))
        decades = first...Swift.max(first + 1, Int(high.rounded(.up)))
    }

    /// Where a value is, from 0 at the axis's begin to 1 at its end.
    func position(_ value: Double) -> Double {
        guard value > 0 else { return 0 }
        let place = (log10(value) - Double(decades.lowerBound)) / Double(decades.count - 1)
        return Swift.min(Swift.max(place, 0), 1)
    }
}
