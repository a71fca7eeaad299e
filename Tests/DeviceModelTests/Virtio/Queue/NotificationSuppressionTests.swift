import DeviceModel
import TestSupport
import Testing
import VirtioDriver

@Suite("Suppression of notifications")
struct NotificationSuppressionTests {
    @Test(
        "an event index is passed when the entry with that index was written",
        arguments: [
            // Nothing written; one; the entries of a batch and those on both sides.
            (5, 5, 5, false), (4, 5, 5, false), (5, 5, 6, true), (4, 5, 6, false), (6, 5, 6, false),
            (4, 5, 8, false), (5, 5, 8, true), (6, 5, 8, true), (7, 5, 8, true), (8, 5, 8, false),
            // Across the wrap.
            (65_534, 65_535, 0, false), (65_535, 65_535, 0, true), (0, 65_535, 0, false),
            (65_533, 65_534, 2, false), (65_534, 65_534, 2, true), (65_535, 65_534, 2, true), (0, 65_534, 2, true),
            (1, 65_534, 2, true), (2, 65_534, 2, false),
            // The specification's example: with 0, after the first buffer, and again after the 65,536th one more.
            (0, 0, 1, true), (0, 1, 2, false), (0, 0, 32_768, true), (32_767, 0, 32_768, true),
            (32_768, 0, 32_768, false),
            (65_535, 0, 32_768, false), (0, 32_768, 0, false), (65_535, 32_768, 0, true), (32_768, 32_768, 0, true),
        ] as [(UInt16, UInt16, UInt16, Bool)])
    func passes(event: UInt16, old: UInt16, new: UInt16, expected: Bool) {
        #expect(Virtqueue.passes(event, from: old, to: new) == expected)
    }

    @Test("for batches that start at any of 65,536 indices the answer is that of looking at each entry")
    func everyStart() {
        for old in 0...UInt16.max {
            for count in [0, 1, 2, 8] as [UInt16] {
                let new = old &+ count
                for offset in [-1, 0, 1, 7, 8] as [Int] {
                    let event = UInt16(truncatingIfNeeded: Int(old) + offset)
                    let expected = offset >= 0 && offset < Int(count)
                    guard Virtqueue.passes(event, from: old, to: new) == expected else {
                        Issue.record("event \(event), from \(old) to \(new)")
                        return
                    }
                }
            }
        }
    }

    private func makeDriver(
        features: VirtqueueFeatures, position: VirtqueuePosition = VirtqueuePosition()
    ) throws -> MockDriver {
        let memory = try HostPages.makeMemory([(0, Int(MockDriver.byteCount(size: 8)))])
        return try MockDriver(memory: memory, size: 8, base: 0, features: features, position: position)
    }

    @Test("the driver is asked not to notify, and asked to again", arguments: [0, 65_534] as [UInt16])
    func asksTheDriver(start: UInt16) throws {
        let position = VirtqueuePosition(available: start, used: start)
        for features in [[], .eventIndex] as [VirtqueueFeatures] {
            var driver = try makeDriver(features: features, position: position)
            var queue = try driver.makeQueue(position: position)
            var chain = DescriptorChain()
            #expect(try !queue.enableNotifications())
            _ = try driver.add(readable: [[1]])
            #expect(try driver.publish())
            try queue.suppressNotifications()
            for _ in 0..<4 {
                _ = try driver.add(readable: [[2]])
                #expect(try !driver.publish())
            }
            for _ in 0..<3 { #expect(try queue.nextChain(into: &chain)) }
            // Two wait that the driver did not notify of.
            #expect(try queue.enableNotifications())
            for _ in 0..<2 { #expect(try queue.nextChain(into: &chain)) }
            #expect(try !queue.enableNotifications())
            _ = try driver.add(readable: [[3]])
            #expect(try driver.publish())
        }
    }

    @Test("with an event index the used flags stay 0, and without one the available event is not touched")
    func writesOnlyItsOwn() throws {
        for features in [[], .eventIndex] as [VirtqueueFeatures] {
            let driver = try makeDriver(features: features, position: VirtqueuePosition(available: 7, used: 7))
            let event = GuestAddress(driver.layout.usedRing.rawValue + 4 + 64)
            try driver.memory.storeReleasing(0x5555, at: event)
            var queue = try driver.makeQueue(position: VirtqueuePosition(available: 7, used: 7))
            try queue.suppressNotifications()
            #expect(try driver.memory.loadAcquiring(at: driver.layout.usedRing) == (features.isEmpty ? 1 : 0))
            #expect(try driver.memory.loadAcquiring(at: event) == 0x5555)
            _ = try queue.enableNotifications()
            #expect(try driver.memory.loadAcquiring(at: driver.layout.usedRing) == 0)
            #expect(try driver.memory.loadAcquiring(at: event) == (features.isEmpty ? 0x5555 : 7))
        }
    }

    @Test("one answer stands for a batch: an interrupt if any of its entries was wanted")
    func onePerBatch() throws {
        var driver = try makeDriver(features: .eventIndex)
        var queue = try driver.makeQueue()
        var chain = DescriptorChain()
        for event in [1, 4] as [UInt16] {
            try driver.setUsedEvent(event)
            var answers: [Bool] = []
            for batch in [1, 2] {
                for _ in 0..<batch {
                    _ = try driver.add(readable: [[0]])
                    _ = try driver.publish()
                    #expect(try queue.nextChain(into: &chain))
                    try queue.addUsed(chain, written: 0)
                }
                answers.append(try queue.publish())
            }
            while try driver.takeBuffers() != nil {}
            #expect(answers == [false, true])
        }
    }

    /// Two threads that sleep until they are notified, each suppressing what it does not need. If a notification is lost, both sleep.
    @Test(
        "no notification is lost between a driver and a device that both sleep",
        arguments: [[], .eventIndex] as [VirtqueueFeatures])
    func nothingIsLost(features: VirtqueueFeatures) throws {
        // A fence that is missing shows only in optimized code, where a load soon follows the store that it must not overtake.
        #if DEBUG
            let count = TestScale.count(20_000)
        #else
            let count = TestScale.count(400_000)
        #endif
        let driver = try makeDriver(features: features)
        let (kick, interrupt) = (Doorbell(), Doorbell())
        let (memory, layout) = (driver.memory, driver.layout)
        let device = HostThread {
            do {
                var queue = try Virtqueue(layout: layout, features: features, memory: memory)
                var chain = DescriptorChain()
                var answered = 0
                while answered < count {
                    if try !queue.enableNotifications() { guard kick.wait() else { return } }
                    try queue.suppressNotifications()
                    while try queue.nextChain(into: &chain) {
                        try queue.addUsed(chain, written: 0)
                        answered += 1
                        if answered % 3 == 0, try queue.publish() { interrupt.ring() }
                    }
                    if try queue.publish() { interrupt.ring() }
                }
            } catch {
                Issue.record("\(error)")
            }
        }
        var (sender, sent, returned) = (driver, 0, 0)
        while returned < count {
            while sent < count, try sender.add(readable: [[UInt8(sent & 0xFF)]]) != nil {
                sent += 1
                if sent % 2 == 0, try sender.publish() { kick.ring() }
            }
            if try sender.publish() { kick.ring() }
            if features.isEmpty { try sender.setFlags(1) }
            while try sender.takeBuffers() != nil { returned += 1 }
            guard returned < count, sent - returned > 4 || sent == count else { continue }
            if try !sender.enableInterrupts(), !interrupt.wait() {
                Issue.record("both wait: \(sent) sent, \(returned) came back")
                break
            }
        }
        device.join()
        #expect(returned == count)
    }
}
