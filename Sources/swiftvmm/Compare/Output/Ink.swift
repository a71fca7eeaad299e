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
