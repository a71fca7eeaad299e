/// A colour by what it is for, on light paper and on dark.
enum Ink: String, CaseIterable {
    case paper, text, faint, grid
    // What is compared.
    case plain, container, paravirtual, emulated

    /// As SVG takes it.
    var light: String {
        switch self {
        case .paper: "#ffffff"
        case .text: "#1f2328"
        case .faint: "#59636e"
        case .grid: "#d8dee4"
        case .plain: "#8c959f"
        case .container: "#0969da"
        case .paravirtual: "#1a7f5a"
        case .emulated: "#c2560c"
        }
    }

    var dark: String {
        switch self {
        case .paper: "#0d1117"
        case .text: "#e6edf3"
        case .faint: "#9198a1"
        case .grid: "#2f353d"
        case .plain: "#6e7681"
        case .container: "#4493f8"
        case .paravirtual: "#2ea879"
        case .emulated: "#e0782f"
        }
    }
}
