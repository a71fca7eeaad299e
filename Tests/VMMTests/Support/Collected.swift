import Synchronization

/// Bytes that one thread collects for another.
final class Collected: Sendable {
    private let content = Mutex<[UInt8]>([])

    var bytes: [UInt8] { content.withLock { $0 } }

    func store(_ bytes: [UInt8]) {
        content.withLock { $0 = bytes }
    }

    func append(_ bytes: [UInt8]) {
        content.withLock { $0 += bytes }
    }
}
