import Testing

@testable import Comparison

@Suite("The chart of compare")
struct BarChartTests {
    @Test("an axis has whole decades, and shows its smallest value")
    func axis() {
        #expect(LogAxis([2000, 5e9]).decades == 3...10)
        #expect(LogAxis([1000, 1e6]).decades == 2...6)
        #expect(LogAxis([1.1e3]).decades == 2...4)
        #expect(LogAxis([]).decades == -1...0)
        let axis = LogAxis([2000, 9e5])
        #expect(axis.position(1000) == 0)
        #expect(abs(axis.position(1e6) - 1) < 1e-9)
        #expect(abs(axis.position(31_622.7766) - 0.5) < 1e-6)
        #expect(axis.position(0) == 0)
        #expect(axis.position(1e9) == 1)
    }

    @Test("text is escaped")
    func escapes() {
        #expect(SVGDrawing.escape("a<b & \"c\">") == "a&lt;b &amp; &quot;c&quot;&gt;")
        var drawing = SVGDrawing(width: 10, height: 10, title: "<&>")
        drawing.text("<script>", x: 0, y: 0, size: 1)
        #expect(!drawing.text.contains("<script>"))
        #expect(drawing.text.contains("<title>&lt;&amp;&gt;</title>"))
    }

    private let chart = BarChart(
        title: "Title", subtitles: ["host"],
        groups: [
            .init(
                name: "slow", colour: .orange,
                bars: [.init(name: "a", value: 1000, low: 900, high: 1100, label: "1 kB/s")]),
            .init(
                name: "fast", colour: .green,
                bars: [
                    .init(name: "b", value: 1e6, low: 1e6, high: 1e6, label: "1 MB/s"),
                    .init(name: "c", value: 9.9e9, low: 1e9, high: 9.9e9, label: "9.9 GB/s"),
                ]),
        ], note: "Longer is better.", axisLabel: { "\(ByteRate($0))" })

    @Test("it stands alone: one white background, no script, no address but the format's own")
    func standsAlone() {
        let svg = chart.svg
        #expect(svg.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\""))
        #expect(svg.hasSuffix("</svg>\n"))
        #expect(svg.components(of: "http") == 2)
        #expect(!svg.contains("script") && !svg.contains("href") && !svg.contains("url("))
        #expect(svg.contains("<rect x=\"0\" y=\"0\" width=\"960\""))
    }

    @Test("bars are longer the more they tell, each with its name and its value, and a key for each colour")
    func bars() {
        let svg = chart.svg
        let widths = svg.matches(of: #/width="([0-9.]+)" height="16" rx="2" class="(orange|green)"/#).compactMap {
            Double($0.1)
        }
        #expect(widths.count == 3 && widths == widths.sorted() && widths[0] > 10, "\(widths)")
        for text in [
            "Title", "host", ">a<", ">b<", ">c<", ">1 kB/s<", ">1 MB/s<", ">9.9 GB/s<", ">slow<", ">fast<", ">10 GB/s<",
        ] {
            #expect(svg.contains(text), "\(text)")
        }
    }

    @Test("every colour has another on dark paper, which is told once")
    func darkPaper() {
        let svg = chart.svg
        #expect(svg.components(of: "<style>@media (prefers-color-scheme:dark){") == 2)
        for ink in Ink.allCases {
            #expect(svg.components(of: ".\(ink){fill:\(ink.dark)}.\(ink)-line{stroke:\(ink.dark)}") == 2)
            #expect(ink.light != ink.dark)
        }
        let used = svg.matches(of: #/class="([a-z]+)(-line)?" (?:fill|stroke)="(#[0-9a-f]+)"/#)
        #expect(used.count > 20)
        for use in used { #expect(Ink(rawValue: String(use.1))?.light == String(use.3), "\(use.0)") }
        #expect(svg.components(of: "fill=") + svg.components(of: "stroke=") - 2 == used.count)
    }

    @Test("nothing reaches beyond the picture")
    func fits() {
        let places = chart.svg.matches(of: #/<rect x="([0-9.]+)" y="[0-9.]+" width="([0-9.]+)"/#)
        for place in places {
            let end = (Double(place.1) ?? .infinity) + (Double(place.2) ?? .infinity)
            #expect(end <= 960)
        }
    }
}

extension String {
    /// How many pieces a word cuts it into.
    fileprivate func components(of word: String) -> Int { ranges(of: word).count + 1 }
}
