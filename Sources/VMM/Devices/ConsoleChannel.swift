import DeviceModel
import KVM
import Synchronization
import SystemPackage

/// One device's way to the console: counts its bytes and passes them on.
final class ConsoleChannel: ByteSink {
    private struct Loss {
        var count: UInt64 = 0
        var cause: Errno?
    }

    private let output: ConsoleOutput
    /// Whether bytes that cannot be written any more are lost, instead of an error.
    private let dropsWhenFailed: Bool
    private let count = Atomic<UInt64>(0)
    private let loss = Mutex(Loss())

    init(to output: ConsoleOutput, dropsWhenFailed: Bool = false) {
        self.output = output
        self.dropsWhenFailed = dropsWhenFailed
    }

    /// How many bytes were taken, those that were lost included.
    var byteCount: UInt64 { count.load(ordering: .relaxed) }

    /// How many bytes of guest memory were lost.
    var lostCount: UInt64 { loss.withLock { $0.count } }

    /// Why all bytes are lost now, where that is no error.
    var failure: Errno? { loss.withLock { $0.cause } }

    /// Whether there is someone at the other end, as far as the system tells.
    var isConnected: Bool { output.isConnected }

    /// Whether a byte would be taken now.
    var hasRoom: Bool { output.hasRoom }

    func write(_ byte: UInt8) {
        count.wrappingAdd(1, ordering: .relaxed)
        output.write(byte)
    }

    /// Writes guest memory out at once, as ``ConsoleOutput/pass(_:losing:unless:)`` does.
    func pass(_ bytes: inout GuestBytes, unless shouldGiveUp: (_ idle: Int64) -> Bool) -> ConsoleOutput.FlushResult {
        let before = bytes.count
        defer { count.wrappingAdd(before &- bytes.count, ordering: .relaxed) }
        var lost: UInt64 = 0
        var result = ConsoleOutput.FlushResult.done
        var cause = failure
        if cause == nil {
            result = output.pass(&bytes, losing: &lost, unless: shouldGiveUp)
            if dropsWhenFailed, case .failed(let error) = result { cause = error }
        }
        if cause != nil {
            lost &+= bytes.count
            bytes.removeAll()
            result = .done
        }
        if lost > 0 {
            loss.withLock {
                $0.count &+= lost
                $0.cause = cause
            }
        }
        return result
    }

    func write(_ bytes: RawSpan) {
        count.wrappingAdd(UInt64(bytes.byteCount), ordering: .relaxed)
        output.write(bytes)
    }
}

/// All the outputs of a machine: the one of its consoles, and those of their own that the serial port and the virtio-console have.
struct ConsoleOutputs: Sendable {
    let main: ConsoleOutput
    /// Where the serial port writes.
    let serial: ConsoleOutput
    /// Each once, the main one first.
    private let all: [ConsoleOutput]

    init(main: ConsoleOutput, serial: ConsoleOutput?, virtio: ConsoleOutput? = nil) {
        self.main = main
        self.serial = serial ?? main
        all = [serial, virtio].reduce(into: [main]) { all, output in
            if let output, !all.contains(where: { $0 === output }) { all.append(output) }
        }
    }

    /// How many bytes wait to be flushed.
    var pendingCount: Int { all.reduce(0) { $0 + $1.pendingCount } }

    /// Whether so much waits that it should be written before more comes.
    var isFull: Bool { all.contains { $0.isFull } }

    /// Writes out what is held back, as `ConsoleOutput.flush(waits:unless:)` does.
    func flush(waits: Bool = false, unless shouldGiveUp: (_ idle: Int64) -> Bool) -> ConsoleOutput.FlushResult {
        for output in all {
            let result = output.flush(waits: waits, unless: shouldGiveUp)
            guard result == .done else { return result }
        }
        return .done
    }
}
