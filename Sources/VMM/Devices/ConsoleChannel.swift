import DeviceModel
import LinuxHost
import Synchronization
import SystemPackage

/// One device's way to the console: counts its bytes and passes them on.
final class ConsoleChannel: ByteSink {
    private struct Loss {
        var count: UInt64 = 0
        var cause: Errno?
    }

    let output: ConsoleOutput
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

    func write(_ byte: UInt8) {
        count.wrappingAdd(1, ordering: .relaxed)
        output.write(byte)
    }

    func write(_ bytes: RawSpan) {
        count.wrappingAdd(UInt64(bytes.byteCount), ordering: .relaxed)
        output.write(bytes)
    }

    /// Writes guest memory as ``ConsoleOutput/pass(_:losing:isHolder:unless:wake:)`` does.
    func pass(
        _ bytes: inout GuestBytes, isHolder: inout Bool, unless mustYield: () -> Bool, wake: @escaping EventLoop.Work
    ) -> ConsoleOutput.PassResult {
        let before = bytes.count
        defer { count.wrappingAdd(before &- bytes.count, ordering: .relaxed) }
        var lost: UInt64 = 0
        var cause = failure
        var result = ConsoleOutput.PassResult.done
        if cause == nil {
            result = output.pass(
                &bytes, for: ObjectIdentifier(self), losing: &lost, isHolder: &isHolder, unless: mustYield, wake: wake)
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
}
