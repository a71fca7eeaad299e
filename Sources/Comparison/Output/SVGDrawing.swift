/// Writes SVG (version 1.1), element by element. Viewers that prefer dark get it so (Media Queries Level 5, prefers-color-scheme).
struct SVGDrawing {
    enum Anchor: String {
        case start, middle, end
    }

    private let width: Int
    private let height: Int
    private var elements: [String] = []

    /// - Parameter title: for readers that do not see it.
    init(width: Int, height: Int, title: String) {
        self.width = width
        self.height = height
        elements.append("<title>\(Self.escape(title))</title>")
        rectangle(x: 0, y: 0, width: Double(width), height: Double(height), fill: .paper)
    }

    mutating func rectangle(
        x: Double, y: Double, width: Double, height: Double, fill: Ink, cornerRadius: Double = 0
    ) {
        let round = cornerRadius > 0 ? " rx=\"\(Self.number(cornerRadius))\"" : ""
        elements.append(
            "<rect x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(width))\" "
                + "height=\"\(Self.number(height))\"\(round) \(Self.fill(fill))/>")
    }

    mutating func line(
        from: (x: Double, y: Double), to: (x: Double, y: Double), stroke: Ink, width: Double = 1
    ) {
        elements.append(
            "<line x1=\"\(Self.number(from.x))\" y1=\"\(Self.number(from.y))\" x2=\"\(Self.number(to.x))\" "
                + "y2=\"\(Self.number(to.y))\" class=\"\(stroke)-line\" stroke=\"\(stroke.light)\" stroke-width=\"\(Self.number(width))\"/>"
        )
    }

    mutating func text(
        _ text: String, x: Double, y: Double, size: Double, fill: Ink = .text, anchor: Anchor = .start,
        isBold: Bool = false
    ) {
        elements.append(
            "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" font-size=\"\(Self.number(size))\" \(Self.fill(fill)) "
                + "text-anchor=\"\(anchor.rawValue)\"\(isBold ? " font-weight=\"600\"" : "")>\(Self.escape(text))</text>"
        )
    }

    var text: String {
        """
        <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" viewBox="0 0 \(width) \(height)" \
        font-family="system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif" role="img">
        \(Self.style)
        \(elements.joined(separator: "\n"))
        </svg>

        """
    }

    /// A rule beats an attribute, which is for viewers that know no rules.
    private static let style: String = {
        let rules = Ink.allCases.map { ".\($0){fill:\($0.dark)}.\($0)-line{stroke:\($0.dark)}" }
        return "<style>@media (prefers-color-scheme:dark){\(rules.joined())}</style>"
    }()

    private static func fill(_ ink: Ink) -> String { "class=\"\(ink)\" fill=\"\(ink.light)\"" }

    static func escape(_ text: String) -> String {
        let names: [Character: String] = ["&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;"]
        return text.map { names[$0] ?? String($0) }.joined()
    }

    /// With a tenth of a pixel at most.
    private static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
    }
}

/// A colour by what it is for, on light paper and on dark.
enum Ink: String, CaseIterable {
    case paper, text, faint, grid
    // Of bars.
    case gray, blue, green, orange

    /// As SVG takes it.
    var light: String {
        switch self {
        case .paper: "#ffffff"
        case .text: "#1f2328"
        case .faint: "#59636e"
        case .grid: "#d8dee4"
        case .gray: "#8c959f"
        case .blue: "#0969da"
        case .green: "#1a7f5a"
        case .orange: "#c2560c"
        }
    }

    var dark: String {
        switch self {
        case .paper: "#0d1117"
        case .text: "#e6edf3"
        case .faint: "#9198a1"
        case .grid: "#2f353d"
        case .gray: "#6e7681"
        case .blue: "#4493f8"
        case .green: "#2ea879"
        case .orange: "#e0782f"
        }
    }
}
