import DeviceModel
import Synchronization

/// An interrupt line that must never be set to the level that it has.
final class CheckedLine: InterruptLine {
    private let isHigh = Mutex(false)

    func setLevel(_ high: Bool) {
        isHigh.withLock {
            precondition($0 != high)
            $0 = high
        }
    }
}
