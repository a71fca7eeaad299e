import DeviceModel
import Synchronization

/// Keeps every byte that a device sends.
final class ByteRecorder: ByteSink {
    private let recorded = Mutex<[UInt8]>([])

    var bytes: [UInt8] {
        recorded.withLock { $0 }
    }

    func write(_ byte: UInt8) {
        recorded.withLock { $0.append(byte) }
    }

    func write(_ bytes: RawSpan) {
        for offset in 0..<bytes.byteCount { write(unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)) }
    }
}
