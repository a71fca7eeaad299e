import DeviceModel
import Synchronization

/// The interrupt line, and whether it was ever set to what it was.
final class FuzzLine: InterruptLine {
    private let state = Mutex((level: false, isConsistent: true))

    var level: Bool { state.withLock { $0.level } }
    var isConsistent: Bool { state.withLock { $0.isConsistent } }

    func setLevel(_ high: Bool) {
        state.withLock { state in
            if high == state.level { state.isConsistent = false }
            state.level = high
        }
    }

    /// What InterruptStatus says.
    func expectsLevel(_ device: VirtioMMIO) -> Bool {
        device.read(offset: 0x60, width: 4) != 0
    }
}
