/// Where the tests find what is not compiled into them.
public enum Checkout {
    /// The package's folder, from this file's own place.
    public static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
}
