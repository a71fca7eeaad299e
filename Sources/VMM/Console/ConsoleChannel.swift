import DeviceModel
import Synchronization

/// One device's way to the console: counts its bytes and passes them on.
final class ConsoleChannel: ByteSink {
    private let output: ConsoleOutput
    private let count = Atomic<UInt64>(0)

    init(to output: ConsoleOutput) {
        self.output = output
    }

    var byteCount: UInt64 { count.load(ordering: .relaxed) }

    func write(_ byte: UInt8) {
        count.wrappingAdd(1, ordering: .relaxed)
        output.write(byte)
    }

    func write(_ bytes: RawSpan) {
        count.wrappingAdd(UInt64(bytes.byteCount), ordering: .relaxed)
        output.write(bytes)
    }
}
