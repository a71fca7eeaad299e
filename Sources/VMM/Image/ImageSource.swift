/// Where an image comes from.
public enum ImageSource: Equatable, Sendable {
    /// A file's path.
    case file(String)
    /// The image itself, such as a few instructions that a program made.
    case bytes([UInt8])

    /// What messages call it.
    public var name: String {
        switch self {
        case .file(let path): path
        case .bytes(let bytes): "the image of \(bytes.count) bytes in memory"
        }
    }
}
