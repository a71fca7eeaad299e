import DeviceModel
import Synchronization

/// Keeps every level that a device sets.
final class LevelRecorder: InterruptLine {
    private let recorded = Mutex<[Bool]>([])

    var levels: [Bool] {
        recorded.withLock { $0 }
    }

    func setLevel(_ high: Bool) {
        recorded.withLock { $0.append(high) }
    }
}
