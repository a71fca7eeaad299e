import DeviceModel
import Synchronization

/// Keeps every access and answers all reads with the same value.
final class RecordingDevice: BusDevice {
    enum Access: Equatable {
        case read(offset: UInt64, width: Int)
        case write(offset: UInt64, width: Int, value: UInt64)
    }

    private let recorded = Mutex<[Access]>([])
    private let answer: UInt64

    init(answer: UInt64 = .max) {
        self.answer = answer
    }

    var accesses: [Access] {
        recorded.withLock { $0 }
    }

    func read(offset: UInt64, width: Int) -> UInt64 {
        recorded.withLock { $0.append(.read(offset: offset, width: width)) }
        return answer
    }

    func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect {
        recorded.withLock { $0.append(.write(offset: offset, width: width, value: value)) }
        return .none
    }
}
