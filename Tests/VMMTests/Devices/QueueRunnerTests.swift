import DeviceModel
import LinuxHost
import Synchronization
import TestSupport
import Testing
import VirtioDriver

@testable import VMM

/// A queue whose task says what it does, and when.
private final class TaskLog: Sendable {
    let wake = Mutex<EventLoop.Work?>(nil)
    let steps = Mutex<[String]>([])

    func note(_ step: String) { steps.withLock { $0.append(step) } }
    func count(of step: String) -> Int { steps.withLock { $0.count { $0 == step } } }
}

private struct LoggedTask: QueueTask {
    let log: TaskLog
    /// What each call of `work` does besides, by its number.
    let onWork: @Sendable (Int) -> QueueProgress

    mutating func begin(wake: @escaping EventLoop.Work) throws(HostError) {
        log.wake.withLock { $0 = wake }
    }

    mutating func work(
        on queue: inout Virtqueue, _ session: VirtioSession, unless mustYield: () -> Bool
    ) throws(VirtqueueError) -> QueueProgress {
        log.note("work")
        return onWork(log.count(of: "work"))
    }

    mutating func reset() { log.note("reset") }
    mutating func end() { log.note("end") }
    mutating func abandon(_ queue: inout Virtqueue) -> UInt64 { 7 }
    func hasOutput(_ queue: inout Virtqueue) -> Bool { log.count(of: "work") < 5 }
}

@Suite("What works on a queue")
struct QueueRunnerTests {
    /// Makes a device of one queue and brings it up.
    private static func start(
        _ log: TaskLog, _ onWork: @escaping @Sendable (Int) -> QueueProgress
    ) throws -> (VirtioDevice, MachineHost) {
        let memory = try HostPages.makeMemory([(start: 0, size: 0x10000)])
        let host = try MachineHost(memory: memory, output: ConsoleOutput())
        let slot = DeviceSlot(name: "log", kind: .virtio(deviceID: 4), ranges: [.memory(0..<0x1000)], gsi: 5)
        let device = try VirtioDevice(slot, host) { _ throws(HostError) in
            let task = LoggedTask(log: log, onWork: onWork)
            let runner = QueueRunner(task, queue: 0, on: try host.loops.light(), doorbell: nil, host: host)
            return PlainVirtioBackend(deviceID: 4, queues: [runner])
        }
        try device.begin()
        try host.loops.start {}
        device.transport.bringUp([try MockDriver(memory: memory, size: 4, base: 0).layout])
        return (device, host)
    }

    @Test("a ring that comes while it works has it work again")
    func ringInside() throws {
        let log = TaskLog()
        let (device, host) = try Self.start(log) { count in
            if count == 1 { log.wake.withLock { $0 }?() }
            return .waits
        }
        #expect(eventually { log.count(of: "work") == 2 })
        device.transport.set(.queueNotify, 0)
        #expect(eventually { log.count(of: "work") == 3 })
        host.loops.end()
        #expect(device.end() == 7)
        #expect(log.count(of: "end") == 1)
    }

    @Test("who gives others their turn goes on, and the end of the run waits for that")
    func again() throws {
        let log = TaskLog()
        let (device, host) = try Self.start(log) { $0 < 5 ? .again : .waits }
        #expect(host.drain([device]) { false })
        #expect(log.count(of: "work") == 5)
        host.loops.end()
        _ = device.end()
    }

    @Test("a queue that is taken away is reset, and worked on no more")
    func stop() throws {
        let log = TaskLog()
        let (device, host) = try Self.start(log) { _ in .waits }
        #expect(eventually { log.count(of: "work") == 1 })
        device.transport.set(.status, 0)
        #expect(log.count(of: "reset") == 1)
        log.wake.withLock { $0 }?()
        // Behind it on the loop.
        let isOver = Monitor(false)
        try host.loops.light().post { isOver.change { $0 = true } }
        #expect(isOver.wait { $0 ? true : nil } == true)
        #expect(log.count(of: "work") == 1)
        host.loops.end()
        _ = device.end()
    }
}
