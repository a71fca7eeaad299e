import DeviceModel
import LinuxHost
import Synchronization
import TestSupport
import Testing
import VirtioDriver

@testable import VMM

@Suite("A virtio device of an embedder's own")
struct CustomVirtioTests {
    @Test("requests come with all their bytes, and answers go where the driver wants them")
    func echo() throws {
        let own = NotedDevice { _, request in request.complete(with: request.bytes.map { $0 &+ 1 }) }
        let bench = try CustomVirtioHost(own) { $0.features = VirtioFeatures(rawValue: 3) }
        try bench.bringUp()
        let head = try bench.ask([[1, 2], [3]], room: [2, 4])
        #expect(try bench.take() == MockDriver.Completion(head: head, bytes: [2, 3, 4]))
        // Nothing to read, nothing to write, neither.
        try bench.ask([], room: [5])
        #expect(try bench.take()?.bytes == [])
        try bench.ask([[9]])
        #expect(try bench.take()?.bytes == [])
        #expect(eventually { own.calls.count == 4 })
        #expect(own.calls == ["ready 0", "request 0 3 6", "request 0 0 5", "request 0 1 0"])
        #expect(bench.device.report.requests == 3)
        bench.end()
        #expect(own.calls.last == "ended")
    }

    @Test("the driver is told the features, and the device those that it took")
    func features() throws {
        let own = NotedDevice()
        let offered: VirtioFeatures = [VirtioFeatures(rawValue: 1 << 5), VirtioFeatures(rawValue: 1 << 50)]
        let bench = try CustomVirtioHost(own, features: [.eventIndex, VirtioFeatures(rawValue: 1 << 50)]) {
            $0.features = offered
        }
        let transport = bench.transport
        transport.set(.deviceFeaturesSelect, 0)
        #expect(transport.get(.deviceFeatures) & 0xFF_FFFF == 1 << 5)
        transport.set(.deviceFeaturesSelect, 1)
        #expect(transport.get(.deviceFeatures) & 1 << 18 != 0)
        try bench.bringUp()
        #expect(eventually { own.calls == ["ready \(1 << 50)"] })
    }

    @Test("requests that are kept are completed later, in any order, from any thread")
    func later() throws {
        let own = NotedDevice()
        let bench = try CustomVirtioHost(own) { $0.queueCount = 2 }
        try bench.bringUp()
        let heads = try (0..<4).map { _ in try bench.ask([], room: [8], queue: 1) }
        #expect(eventually { own.keptCount == 4 })
        let thread = HostThread {
            for (index, request) in own.takeKept().enumerated().reversed() {
                #expect(request.queue == 1)
                #expect(request.complete(with: [UInt8(index)]))
            }
        }
        thread.join()
        for index in (0..<4).reversed() {
            #expect(try bench.take(queue: 1) == MockDriver.Completion(head: heads[index], bytes: [UInt8(index)]))
        }
    }

    @Test("a request is completed once; one that is let go comes back empty")
    func once() throws {
        let results = Mutex<[Bool]>([])
        let own = NotedDevice { device, request in
            guard !request.bytes.isEmpty else { return }
            for byte in request.bytes {
                let isFirst = request.complete(with: [byte])
                results.withLock { $0.append(isFirst) }
            }
        }
        let bench = try CustomVirtioHost(own)
        try bench.bringUp()
        try bench.ask([[1, 2, 3]], room: [8])
        #expect(try bench.take()?.bytes == [1])
        #expect(eventually { results.withLock { $0 } == [true, false, false] })
        try bench.ask([], room: [8])
        #expect(try bench.take()?.bytes == [])
        #expect(try bench.drivers[0].takeUsed() == nil)
    }

    @Test("an answer that is longer than its room is cut, and one in many pieces fills each")
    func room() throws {
        let own = NotedDevice { _, request in request.complete(with: (0..<200).map { UInt8($0) }) }
        let bench = try CustomVirtioHost(own)
        try bench.bringUp()
        try bench.ask([], room: [3, 1, 5])
        #expect(try bench.take()?.bytes == Array(0..<9))
        try bench.ask([], room: [199, 1, 1])
        #expect(try bench.take()?.bytes == Array(0..<200))
    }

    @Test("a long answer goes in parts, every byte of it")
    func longAnswer() throws {
        let answer = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let own = NotedDevice { _, request in request.complete(with: answer) }
        let bench = try CustomVirtioHost(own)
        try bench.bringUp()
        let place = bench.spare
        try bench.drivers[0].set(0, MockDescriptor(address: place, count: 299_999, flags: MockDescriptor.write))
        try bench.drivers[0].offer(0)
        if try bench.drivers[0].publish() { bench.transport.set(.queueNotify, 0) }
        var used: MockDriver.Used?
        #expect(
            try eventually {
                used = try bench.drivers[0].takeUsed()
                return used != nil
            })
        #expect(used == MockDriver.Used(head: 0, written: 299_999))
        var bytes = [UInt8](repeating: 0, count: 300_000)
        var span = bytes.mutableSpan
        try bench.memory.read(at: GuestAddress(place), into: &span)
        #expect(bytes.dropLast() == answer.dropLast())
        #expect(bytes.last == 0)
    }

    @Test("what a driver takes back is void: the device is told, and completing it does nothing to what came after")
    func reset() throws {
        let own = NotedDevice { device, request in
            if request.bytes != [7] { device.keep(request) } else { request.complete(with: [7]) }
        }
        let bench = try CustomVirtioHost(own)
        try bench.bringUp()
        try bench.ask([[1]], room: [4])
        #expect(eventually { own.keptCount == 1 })
        let old = own.takeKept()
        bench.transport.set(.status, 0)
        #expect(!old[0].complete(with: [9, 9]))
        try bench.bringUp()
        try bench.ask([[7]], room: [4])
        #expect(try bench.take()?.bytes == [7])
        #expect(own.calls == ["ready 0", "request 0 1 4", "stopped 0", "ready 0", "request 0 1 4"])
        #expect(try bench.drivers[0].takeUsed() == nil)
    }

    @Test("one queue is taken back alone")
    func ringReset() throws {
        let own = NotedDevice()
        let bench = try CustomVirtioHost(own, features: [.eventIndex, .ringReset]) { $0.queueCount = 2 }
        try bench.bringUp()
        for queue in 0..<2 { try bench.ask([[1]], room: [4], queue: queue) }
        #expect(eventually { own.keptCount == 2 })
        bench.transport.set(.queueSelect, 1)
        bench.transport.set(.queueReset, 1)
        #expect(eventually { own.calls.last == "stopped 1" })
        let kept = own.takeKept()
        #expect(kept.map(\.queue) == [0])
        #expect(kept[0].complete(with: [3]))
        #expect(try bench.take()?.bytes == [3])
    }

    @Test("a request that is longer than the device takes has the driver told to reset it, and the report says why")
    func tooLong() throws {
        let own = NotedDevice { _, request in request.complete() }
        let bench = try CustomVirtioHost(own) { $0.largestRequest = 4 }
        try bench.bringUp()
        try bench.ask([[1, 2], [3, 4]])
        #expect(try bench.take()?.bytes == [])
        try bench.ask([[1, 2], [3, 4, 5]])
        #expect(eventually { bench.transport.status & 64 != 0 })
        #expect(bench.device.report.fault == "queue 0: a request of 5 bytes, and the device takes 4 at most")
        #expect(bench.host.drain([bench.device]) { false })
        try bench.bringUp()
        try bench.ask([[1]])
        #expect(try bench.take()?.bytes == [])
        #expect(own.calls.filter { $0.hasPrefix("request") }.count == 2)
    }

    @Test("a request of too many buffers is refused as well")
    func tooManyBuffers() throws {
        let own = NotedDevice { _, request in request.complete() }
        let bench = try CustomVirtioHost(own)
        for (count, isTaken) in [(1024, true), (1025, false)] {
            try bench.bringUp()
            let table = (0..<count).map { index in
                MockDescriptor(
                    address: 0x1000, count: 1, flags: index + 1 < count ? MockDescriptor.next : 0,
                    next: UInt16(index + 1))
            }
            try bench.drivers[0].write(table, at: bench.spare)
            try bench.drivers[0].set(
                0, MockDescriptor(address: bench.spare, count: UInt32(16 * count), flags: MockDescriptor.indirect))
            try bench.drivers[0].offer(0)
            if try bench.drivers[0].publish() { bench.transport.set(.queueNotify, 0) }
            #expect(try eventually { try bench.drivers[0].takeUsed() != nil || bench.transport.status & 64 != 0 })
            #expect((bench.transport.status & 64 == 0) == isTaken)
        }
        let end = "the chain has not ended after 1024 descriptors, at indirect descriptor 1024 of the chain at 0"
        #expect(bench.fault == "queue 0: \(end)")
    }

    @Test("a change of the configuration is seen with its generation, and interrupts")
    func configurationSpace() throws {
        let parts = Mutex<CustomVirtioParts?>(nil)
        let own = NotedDevice()
        let bench = try CustomVirtioHost(own) {
            $0.configurationSpace = [1, 2, 3, 4]
            $0.make = { given in
                parts.withLock { $0 = given }
                return own
            }
        }
        let space = try #require(parts.withLock { $0?.configurationSpace })
        #expect(bench.transport.read(offset: 0x100, width: 4) == 0x0403_0201)
        try bench.bringUp()
        let generation = bench.transport.get(.configurationGeneration)
        bench.pause()
        space.replace(with: [9])
        space.replace(with: [5, 6, 7, 8])
        #expect(bench.transport.read(offset: 0x100, width: 4) == 0x0403_0201)
        bench.resume()
        #expect(eventually { bench.transport.get(.interruptStatus) & 2 != 0 })
        #expect(bench.transport.read(offset: 0x100, width: 4) == 0x0807_0605)
        #expect(bench.transport.get(.configurationGeneration) == generation + 1)
        bench.end()
        space.replace(with: [0])
    }

    @Test("while the machine is paused the device is not called, and answers wait")
    func pause() throws {
        let own = NotedDevice()
        let bench = try CustomVirtioHost(own)
        try bench.bringUp()
        try bench.ask([[1]], room: [4])
        #expect(eventually { own.keptCount == 1 })
        bench.pause()
        #expect(own.takeKept()[0].complete(with: [1]))
        try bench.ask([[2]], room: [4])
        // Of what does not happen nobody can wait for the end.
        for _ in 0..<100 {
            #expect(own.calls.count == 2)
            #expect(try bench.drivers[0].takeUsed() == nil)
            try bench.host.loops.light().post(.control) {}
        }
        bench.resume()
        #expect(try bench.take()?.bytes == [1])
        #expect(eventually { own.keptCount == 1 })
    }

    @Test("a device that hangs holds up neither resets nor other devices, and a driver cannot pile up calls for it")
    func hanging() throws {
        let mayGoOn = Monitor(false)
        let own = NotedDevice { _, _ in _ = mayGoOn.wait { $0 ? true : nil } }
        let bench = try CustomVirtioHost(own)
        try bench.bringUp()
        try bench.ask([[1]])
        #expect(eventually { own.calls == ["ready 0", "request 0 1 0"] })
        for _ in 0..<200 {
            try bench.bringUp()
            for _ in 0..<16 { try bench.ask([[1]]) }
            // The queue's loop has taken all of them, and is not held up.
            let isOver = Monitor(false)
            try bench.host.loops.light().post { isOver.change { $0 = true } }
            #expect(isOver.wait { $0 ? true : nil } == true)
        }
        #expect(own.calls.count == 2)
        #expect(!bench.device.isIdle)
        mayGoOn.change { $0 = true }
        for _ in 0..<16 { #expect(try bench.take()?.bytes == []) }
        #expect(bench.host.drain([bench.device]) { false })
        // Of 201 lives it was told the first and the last.
        let told = ["ready 0", "request 0 1 0", "stopped 0", "ready 0"] + Array(repeating: "request 0 1 0", count: 16)
        #expect(own.calls == told)
    }

    @Test("the end of the run waits for what the device is told, and not for what it keeps")
    func end() throws {
        let own = NotedDevice()
        let bench = try CustomVirtioHost(own)
        try bench.bringUp()
        for _ in 0..<8 { try bench.ask([[1]], room: [1]) }
        #expect(bench.host.drain([bench.device]) { false })
        #expect(own.keptCount == 8)
        let kept = own.takeKept()
        bench.end()
        for request in kept { #expect(!request.complete(with: [1])) }
        #expect(own.calls.last == "ended")
    }

    @Test("what cannot be had is told in words")
    func refusals() {
        func words(_ change: (inout CustomVirtioConfiguration) -> Void) -> String? {
            var configuration = CustomVirtioConfiguration(name: "own", deviceID: 1) { _ in NotedDevice() }
            change(&configuration)
            do throws(VMMError) {
                try configuration.check()
                return nil
            } catch {
                guard case .configuration(let text) = error else { return "another error: \(error)" }
                return text
            }
        }
        #expect(words { _ in } == nil)
        #expect(words { $0.name = "" }?.contains("empty name") == true)
        #expect(words { $0.deviceID = 0 }?.contains("device ID 0") == true)
        #expect(words { $0.features = [.version1, .eventIndex] }?.contains("feature bits 29, 32,") == true)
        #expect(words { $0.features = .deviceSpecific } == nil)
        for count in [Int.min, 0, 65, .max] {
            #expect(words { $0.queueCount = count }?.contains("\(count) queues") == true)
        }
        for count in [1, 64] { #expect(words { $0.queueCount = count } == nil) }
        for size in [Int.min, 0, (4 << 20) + 1] {
            #expect(words { $0.largestRequest = size }?.contains("\(size) bytes") == true)
        }
        #expect(words { $0.configurationSpace = [UInt8](repeating: 0, count: 3841) }?.contains("3841 bytes") == true)
        #expect(words { $0.configurationSpace = [UInt8](repeating: 0, count: 3840) } == nil)
    }
}

@Suite("What an embedder's virtio device is still to be told")
struct PendingCallsTests {
    @Test("calls come in their order")
    func order() {
        var calls = PendingCalls<Int>()
        calls.driverIsReady([])
        calls.add(1, queue: 0)
        #expect(calls.next() == .ready([]))
        calls.add(2, queue: 1)
        #expect(calls.hasRequest(queue: 1) && !calls.hasRequest(queue: 2))
        #expect(calls.next() == .request(1, queue: 0))
        #expect(calls.next() == .request(2, queue: 1))
        #expect(calls.next() == nil && calls.isEmpty)
    }

    @Test(
        "what was taken back before it was told is not told; a stop is told once, of a queue that the device knows something of"
    )
    func stop() {
        var calls = PendingCalls<Int>()
        calls.driverIsReady([])
        calls.add(1, queue: 0)
        #expect(calls.stop(queue: 0) == [.request(1, queue: 0)])
        calls.driverIsGone()
        #expect(calls.isEmpty)
        calls.add(2, queue: 0)
        calls.add(3, queue: 1)
        #expect(calls.next() == .request(2, queue: 0))
        calls.add(4, queue: 0)
        #expect(calls.stop(queue: 0) == [.request(4, queue: 0)])
        calls.add(5, queue: 0)
        #expect(calls.stop(queue: 0) == [.request(5, queue: 0)])
        calls.add(6, queue: 0)
        #expect(calls.next() == .request(3, queue: 1))
        #expect(calls.next() == .stopped(queue: 0))
        #expect(calls.next() == .request(6, queue: 0))
        #expect(calls.next() == nil)
    }
}
