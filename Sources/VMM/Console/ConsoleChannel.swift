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

    /// Writes guest memory out at once, as ``ConsoleOutput/pass(_:unless:)`` does.
    func pass(_ bytes: inout GuestBytes, unless shouldGiveUp: (_ idle: Int64) -> Bool) -> ConsoleOutput.FlushResult {
        let before = bytes.count
        defer { count.wrappingAdd(before &- bytes.count, ordering: .relaxed) }
        return output.pass(&bytes, unless: shouldGiveUp)
    }

    func write(_ bytes: RawSpan) {
        count.wrappingAdd(UInt64(bytes.byteCount), ordering: .relaxed)
        output.write(bytes)
    }
}
