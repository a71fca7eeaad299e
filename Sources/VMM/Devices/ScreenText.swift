import DeviceModel

/// Prints a text screen's lines when they leave it, and in the end those that are on it.
public struct ScreenText: ScreenRenderer {
    private var lines = ScreenLines()
    private let onGap: @Sendable () -> Void

    /// - Parameter onGap: called in the end where lines scrolled by faster than the screen was looked at.
    public init(onGap: @escaping @Sendable () -> Void = {}) {
        self.onGap = onGap
    }

    public mutating func begin() -> [UInt8] { [] }

    public mutating func show(_ image: ScreenImage) -> [UInt8] { Self.bytes(lines.take(image)) }

    public mutating func end(_ image: ScreenImage?) -> [UInt8] {
        defer { if lines.hasGap { onGap() } }
        return image.map { Self.bytes(lines.finish($0)) } ?? []
    }

    private static func bytes(_ lines: [String]) -> [UInt8] { lines.flatMap { Array($0.utf8) + [0x0A] } }
}
