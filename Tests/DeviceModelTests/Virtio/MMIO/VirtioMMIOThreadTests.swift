import DeviceModel
import Synchronization
import TestSupport
import Testing
import VirtioDriver

/// vCPUs and the device's threads at the same time. A deadlock would be a test that does not end, so each has a limit, longer than any of its waits.
@Suite("Threads of a virtio-mmio device", .timeLimit(.minutes(10)))
struct VirtioMMIOThreadTests {
    private let line = LevelRecorder()

    /// What a vCPU thread writes while the backend is held in `stop`.
    enum Ending: CaseIterable, Sendable {
        case status, queueReady, queueReset

        var register: VirtioMMIORegister {
            switch self {
            case .status: .status
            case .queueReady: .queueReady
            case .queueReset: .queueReset
            }
        }
    }

    @Test(
        "until the backend has let go, other vCPUs see a queue that is ready and a device that is not reset",
        arguments: Ending.allCases)
    func waitsForBackend(ending: Ending) throws {
        let (entered, release, done) = (Doorbell(), Doorbell(), Doorbell())
        let backend = RecordingBackend { call, _ in
            guard call == .stop(0) else { return }
            entered.ring()
            _ = release.wait()
        }
        let device = VirtioMMIO(backend: backend, memory: try HostPages.makeMemory([(0, 0x1_0000)]), interrupt: line)
        device.bringUp(
            [MockDriver.layout(size: 8, base: 0x1000), MockDriver.layout(size: 4, base: 0x2000)], features: 0x101 << 32)
        device.set(.queueSelect, 0)
        let vCPU = HostThread {
            device.set(ending.register, ending == .queueReset ? 1 : 0)
            done.ring()
        }
        #expect(entered.wait())
        // Another vCPU looks, writes and acknowledges, and the device's thread interrupts: none of them waits.
        #expect(device.status == 15)
        #expect(device.get(.queueReady) == 1)
        #expect(device.get(.queueReset) == (ending == .queueReset ? 1 : 0))
        backend.session?.raiseUsedBufferInterrupt(queue: 1)
        #expect(device.get(.interruptStatus) == (ending == .status ? 0 : 1))
        device.set(.interruptAcknowledge, 1)
        let before = device.registers
        device.configure(queue: 0, MockDriver.layout(size: 2, base: 0x4000))
        #expect(device.registers == before)
        release.ring()
        #expect(done.wait())
        vCPU.join()
        #expect(device.get(.queueReady) == 0)
        #expect(device.get(.queueReset) == 0)
        #expect(device.status == (ending == .status ? 0 : 15))
        #expect(line.levels == (ending == .status ? [] : [true, false]))
    }

    @Test("two vCPUs that stop the same queue stop it once, and the second waits for the first")
    func stopsOnce() throws {
        let (entered, release) = (Doorbell(), Doorbell())
        let backend = RecordingBackend { call, _ in
            guard call == .stop(0) else { return }
            entered.ring()
            _ = release.wait()
        }
        let device = VirtioMMIO(backend: backend, memory: try HostPages.makeMemory([(0, 0x1_0000)]), interrupt: line)
        device.bringUp([MockDriver.layout(size: 8, base: 0x1000)])
        _ = backend.takeCalls()
        let first = HostThread { device.set(.queueReady, 0) }
        #expect(entered.wait())
        let result = ByteRecorder()
        let second = HostThread {
            device.set(.status, 0)
            result.write(UInt8(truncatingIfNeeded: device.status))
        }
        #expect(device.status == 15)
        release.ring()
        first.join()
        second.join()
        #expect(result.bytes == [0])
        #expect(backend.calls == [.stop(0), .reset])
    }

    @Test(
        "after a reset, or a queue taken back, in the middle of work the device touches nothing more",
        arguments: [1, 2] as [UInt64])
    func resetsInTheMiddle(seed: UInt64) throws {
        let memory = try HostPages.makeMemory([(0, 0x2_0000)])
        let backend = WorkerBackend(memory: memory)
        let device = VirtioMMIO(backend: backend, memory: memory, interrupt: line)
        let worker = HostThread { backend.run() }
        var random = SplitMix64(seed: seed)
        for round in 0..<TestScale.count(300) {
            var driver = try MockDriver(memory: memory, size: 8, base: 0x1000)
            device.bringUp([driver.layout])
            for _ in 0..<(random.next() % 8 + 1) { _ = try driver.add(readable: [], writable: [64]) }
            if try driver.publish() { device.set(.queueNotify, 0) }
            for _ in 0..<(random.next() % 400) { _ = device.get(.interruptStatus) }
            // Both ways to take the memory back.
            let isReset = random.next() & 1 == 0
            device.set(isReset ? .status : .queueReady, 0)
            #expect(device.get(isReset ? .status : .queueReady) == 0)
            if isReset { #expect(device.get(.interruptStatus) == 0) }
            let mine = [UInt8](repeating: UInt8(round & 0x7F), count: 0xF000)
            try memory.write(mine.span, at: GuestAddress(0x1000))
            for _ in 0..<50 { _ = device.get(.interruptStatus) }
            var copy = [UInt8](repeating: 0xFF, count: mine.count)
            var span = copy.mutableSpan
            try memory.read(at: GuestAddress(0x1000), into: &span)
            guard copy == mine else {
                Issue.record("seed \(seed), round \(round): memory was written after it was taken back")
                break
            }
            let zeros = [UInt8](repeating: 0, count: 0x1000)
            try memory.write(zeros.span, at: GuestAddress(0x1000))
        }
        // Nothing was broken on the way, and a whole exchange still works.
        #expect(backend.error == nil)
        #expect(device.fault == nil)
        var driver = try MockDriver(memory: memory, size: 8, base: 0x1000)
        device.bringUp([driver.layout])
        let before = backend.completed
        for _ in 0..<5 { _ = try driver.add(readable: [], writable: [64]) }
        if try driver.publish() { device.set(.queueNotify, 0) }
        let end = ContinuousClock().now + TestScale.patience
        var count = 0
        while count < 5, ContinuousClock().now < end {
            if let done = try driver.takeBuffers() {
                #expect(done.bytes == [UInt8](repeating: 0xDD, count: 64))
                count += 1
            }
        }
        #expect(count == 5)
        #expect(backend.completed == before + 5)
        device.set(.status, 0)
        backend.end()
        worker.join()
    }

    @Test(
        "four vCPUs at random and two threads of the device leave a state that holds together",
        arguments: [1, 2] as [UInt64])
    func hammers(seed: UInt64) throws {
        // Which queues are started: no start without an end, no end without a start.
        let started = Started()
        let backend = RecordingBackend(queueSizes: [8, 8], keepsCalls: false) { call, session in
            started.record(call)
            session?.raiseUsedBufferInterrupt(queue: 0)
        }
        let device = VirtioMMIO(backend: backend, memory: try HostPages.makeMemory([(0, 0x1_0000)]), interrupt: line)
        let isDone = Flag()
        let device0 = HostThread { Self.interrupt(backend, until: isDone) }
        let device1 = HostThread { Self.interrupt(backend, until: isDone) }
        let vCPUs = (0..<4).map { index in
            HostThread { Self.access(device, seed: seed * 4 + UInt64(index), count: TestScale.count(10_000)) }
        }
        for vCPU in vCPUs { vCPU.join() }
        isDone.raise()
        device0.join()
        device1.join()
        #expect(!started.wasBroken)
        let registers = device.registers
        #expect((line.levels.last ?? false) == registers.interrupts.level)
        #expect(zip(line.levels, line.levels.dropFirst()).allSatisfy { $0 != $1 })
        let ready = registers.isActive ? registers.queues.map(\.isReady) : [false, false]
        #expect(started.queues == ready)
        device.set(.status, 0)
        #expect(started.queues == [false, false])
        #expect(line.levels.last == false)
        device.bringUp([MockDriver.layout(size: 8, base: 0x1000)])
        #expect(device.status == 15)
        #expect(started.queues == [true, false])
    }

    private static func interrupt(_ backend: RecordingBackend, until isDone: Flag) {
        var value: UInt8 = 0
        while !isDone.isRaised {
            value &+= 1
            backend.session?.raiseUsedBufferInterrupt(queue: Int(value & 1))
            _ = backend.setConfiguration([value])
            backend.session?.configurationChanged()
            if value & 0x3F == 0 { backend.session?.fail(.device("hammered")) }
        }
    }

    private static func access(_ device: VirtioMMIO, seed: UInt64, count: Int) {
        var random = SplitMix64(seed: seed)
        let registers = VirtioMMIORegister.allCases
        for _ in 0..<count {
            let value = random.next()
            switch value & 63 {
            case 0: device.set(.status, 0)
            case 1...4:
                device.bringUp([MockDriver.layout(size: 8, base: 0x1000), MockDriver.layout(size: 8, base: 0x2000)])
            case 5: device.write(offset: 0x100, width: 1, value: 1)
            case 6: device.interruptEnded()
            default:
                let register = registers[Int(value >> 8) % registers.count]
                if value & 0x40 == 0 { _ = device.get(register) } else { device.set(register, value >> 60) }
            }
        }
    }

    private final class Flag: Sendable {
        private let flag = Atomic(false)
        var isRaised: Bool { flag.load(ordering: .acquiring) }
        func raise() { flag.store(true, ordering: .releasing) }
    }

    /// The backend's view of its life.
    private final class Started: Sendable {
        private struct State {
            var isActive = false
            var queues = [false, false]
            var wasBroken = false
        }

        private let state = Mutex(State())

        var queues: [Bool] { state.withLock { $0.queues } }
        var wasBroken: Bool { state.withLock { $0.wasBroken } }

        func record(_ call: RecordingBackend.Call) {
            state.withLock { state in
                switch call {
                case .activate:
                    if state.isActive || state.queues != [false, false] { state.wasBroken = true }
                    state.isActive = true
                case .start(let index, _, _):
                    if !state.isActive || state.queues[index] { state.wasBroken = true }
                    state.queues[index] = true
                case .stop(let index):
                    if !state.isActive || !state.queues[index] { state.wasBroken = true }
                    state.queues[index] = false
                case .reset:
                    if state.queues != [false, false] { state.wasBroken = true }
                    state.isActive = false
                case .notify, .write: break
                }
            }
        }
    }
}
