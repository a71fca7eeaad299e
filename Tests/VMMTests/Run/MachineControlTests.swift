import LinuxHost
import Synchronization
import Testing

@testable import VMM

@Suite("Who stops, pauses and resumes a machine")
struct MachineControlTests {
    @Test("a vCPU that ends instead of standing still does not keep a pause from being complete")
    func endsInsteadOfParking() {
        let control = MachineControl()
        let isPaused = Atomic(false)
        control.enter()
        control.enter()
        control.pause { isPaused.store(true, ordering: .relaxed) }
        control.leave()
        let isEarly = isPaused.load(ordering: .relaxed)
        #expect(!isEarly)
        control.leave()
        let isDone = isPaused.load(ordering: .relaxed)
        #expect(isDone)
    }

    @Test("the devices of a machine that is paused before its run do nothing until it is resumed")
    func pausedBefore() throws {
        let control = MachineControl()
        let loop = try EventLoop()
        let count = Monitor((devices: 0, control: 0))
        control.pause()
        control.add([loop])
        try loop.start()
        for _ in 0..<3 {
            loop.post(.devices) { count.change { $0.devices += 1 } }
            loop.post(.control) { count.change { $0.control += 1 } }
        }
        #expect(count.wait { $0.control == 3 ? $0.devices : nil } == 0)
        control.resume()
        #expect(count.wait { $0.devices == 3 ? true : nil } == true)
        loop.end(patience: .max / 2)
    }
}
