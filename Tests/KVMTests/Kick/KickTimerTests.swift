import KVM
import LinuxHost
import Synchronization
import TestSupport
import Testing

@Suite("Kick timers", .requiresKVM)
struct KickTimerTests {
    /// Jumps to itself.
    private static let spin: [UInt8] = [0xEB, 0xFE]

    /// Runs `body` on a fresh thread, to which no other test's timer belongs, and gives what it returns.
    private static func onFreshThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let result = Mutex<Result<Value, any Error>?>(nil)
        let box = Box(result)
        HostThread { box.result.withLock { $0 = Result { try body() } } }.join()
        return try #require(box.result.withLock { $0 }).get()
    }

    private final class Box<Value: Sendable>: Sendable {
        let result: Mutex<Result<Value, any Error>?>

        init(_ result: consuming sending Mutex<Result<Value, any Error>?>) {
            self.result = result
        }
    }

    @Test("a timer ends the run of its thread's guest, not before its time")
    func fires() throws {
        let (exit, time, isOverdue) = try Self.onFreshThread {
            var machine = try TestMachine(Self.spin)
            let timer = try KickTimer()
            let start = ContinuousClock.now
            try timer.arm(after: 20_000_000, every: 0)
            let exit = try machine.vcpu.run()
            return (exit, ContinuousClock.now - start, machine.isOverdue)
        }
        #expect(exit == .interrupted)
        // By the timer, not by the watchdog. Seen: 20.1 ms.
        #expect(time >= .milliseconds(20) && !isOverdue)
    }

    @Test("a timer goes off again and again")
    func repeats() throws {
        let (time, isOverdue) = try Self.onFreshThread {
            var machine = try TestMachine(Self.spin)
            let timer = try KickTimer()
            let start = ContinuousClock.now
            try timer.arm(after: 1, every: 2_000_000)
            for _ in 0..<10 {
                let exit = try machine.vcpu.run()
                #expect(exit == .interrupted)
            }
            return (ContinuousClock.now - start, machine.isOverdue)
        }
        // Ten kicks at 0, 2 … 18 ms, or later; the first may end two runs. The watchdog kicks once a second, and late.
        #expect(time >= .milliseconds(15) && !isOverdue)
    }

    @Test("a timer that is disarmed, or gone, does not go off")
    func disarms() throws {
        let interruptions = try Self.onFreshThread {
            var machine = try TestMachine([0xE6, 0x80, 0xEB, 0xFC])
            // On a busy machine one may go off before it is disarmed, rightly: then again.
            while true {
                let start = ContinuousClock.now
                let timer = try KickTimer()
                try timer.arm(after: 40_000_000, every: 1_000_000)
                timer.disarm()
                do {
                    let other = try KickTimer()
                    try other.arm(after: 40_000_000, every: 1_000_000)
                }
                let isInTime = ContinuousClock.now - start < .milliseconds(40)
                var interruptions = 0
                let end = ContinuousClock.now + .milliseconds(100)
                while ContinuousClock.now < end {
                    if try machine.vcpu.run() == .interrupted { interruptions += 1 }
                }
                if isInTime || machine.isOverdue { return interruptions }
            }
        }
        #expect(interruptions == 0)
    }

    @Test("times that make no sense are taken as the nearest that do", arguments: [0, -1, .min] as [Int64])
    func oddTimes(time: Int64) throws {
        let (exit, isOverdue) = try Self.onFreshThread {
            var machine = try TestMachine(Self.spin)
            let timer = try KickTimer()
            try timer.arm(after: time, every: time)
            return (try machine.vcpu.run(), machine.isOverdue)
        }
        #expect(exit == .interrupted && !isOverdue)
    }
}
