import DeviceModel
import Glibc
import LinuxHost
import Synchronization
import TestSupport
import Testing
import VirtioDriver

@testable import VMM

@Suite("A virtio device of an embedder's own whose driver does not behave")
struct CustomVirtioHostileTests {
    /// Answers, keeps, lets go, or answers an older one, by turns.
    private static func makeDevice(seed: UInt64) -> NotedDevice {
        let random = Mutex(SplitMix64(seed: seed))
        return NotedDevice { device, request in
            switch random.withLock({ $0.next() }) % 4 {
            case 0: request.complete(with: request.bytes)
            case 1: device.keep(request)
            case 2: break
            default:
                device.keep(request)
                for request in device.takeKept() { request.complete(with: [UInt8](repeating: 5, count: 5000)) }
            }
        }
    }

    @Test(
        "whatever lies in the rings, and whatever is written to the registers, a right driver is served afterwards",
        arguments: 0..<8)
    func random(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let own = Self.makeDevice(seed: seed)
        let bench = try CustomVirtioHost(own) {
            $0.queueCount = 2
            $0.largestRequest = 5000
        }
        for _ in 0..<TestScale.count(300) {
            try bench.bringUp()
            for _ in 0..<Int.random(in: 1...20, using: &random) { try Self.step(bench, &random) }
        }
        bench.transport.set(.status, 0)
        try bench.bringUp()
        let head = try bench.ask([[1]], room: [1])
        // It may be kept.
        #expect(
            try eventually {
                for request in own.takeKept() { request.complete() }
                return try bench.drivers[0].takeUsed()?.head == UInt32(head)
            })
        #expect(bench.transport.status == 15)
    }

    private static func step(_ bench: CustomVirtioHost, _ random: inout SplitMix64) throws {
        let queue = Int.random(in: 0..<2, using: &random)
        let layout = bench.drivers[queue].layout
        switch random.next() % 8 {
        case 0: _ = try? bench.drivers[queue].add(readable: [[1, 2, 3], [4]], writable: [1, 300])
        case 1:
            let wild = MockDescriptor(
                address: random.next() % 0x60000, count: UInt32(truncatingIfNeeded: random.next() % 0x3000),
                flags: UInt16(random.next() % 8), next: UInt16(random.next() % 20))
            try bench.drivers[queue].set(UInt16(random.next() % 16), wild)
        case 2:
            let table = (0..<32).map { index in
                MockDescriptor(
                    address: random.next() % 0x40000, count: UInt32.random(in: 0...200, using: &random),
                    flags: UInt16.random(in: 0...3, using: &random), next: UInt16(index + 1))
            }
            try bench.drivers[queue].write(table, at: 0x1F000)
            try bench.drivers[queue].set(
                0, MockDescriptor(address: 0x1F000, count: 16 * 32, flags: MockDescriptor.indirect))
            try bench.drivers[queue].offer(0)
        case 3: try bench.drivers[queue].offer(UInt16(random.next() % 18))
        case 4: try bench.drivers[queue].setAvailableIndex(UInt16(truncatingIfNeeded: random.next() % 40))
        case 5:
            let address = layout.descriptorTable.rawValue + random.next() % 0x400
            try bench.memory.store(UInt32(truncatingIfNeeded: random.next()), at: GuestAddress(address))
        case 6:
            let registers: [UInt64] = [0x30, 0x38, 0x44, 0x50, 0x70, 0xC0, 0x80, 0x90, 0xA0]
            let register = registers[Int(random.next() % UInt64(registers.count))]
            bench.transport.write(offset: register, width: 4, value: random.next() % 20)
        default: break
        }
        _ = try? bench.drivers[queue].publish()
        bench.transport.set(.queueNotify, UInt64(queue))
    }

    @Test(
        "threads complete requests while the driver resets the device and the machine pauses, and ends",
        arguments: 0..<4)
    func threads(seed: UInt64) throws {
        let own = NotedDevice()
        let bench = try CustomVirtioHost(own) { $0.queueCount = 2 }
        let loops = bench.host.loops
        let isOver = Atomic<Bool>(false)
        let completers = (0..<4).map { number in
            HostThread {
                var random = SplitMix64(seed: seed &* 10 &+ UInt64(number))
                while !isOver.load(ordering: .relaxed) {
                    for request in own.takeKept().shuffled(using: &random) {
                        guard random.next() % 8 > 0 else { continue }
                        request.complete(with: request.bytes)
                        #expect(!request.complete(with: [0]))
                    }
                    usleep(UInt32.random(in: 0...100, using: &random))
                }
            }
        }
        let pauser = HostThread {
            var random = SplitMix64(seed: seed &+ 77)
            while !isOver.load(ordering: .relaxed) {
                for loop in loops.all { loop.pauseDevices() }
                let before = own.driverCalls
                usleep(UInt32.random(in: 0...200, using: &random))
                #expect(own.driverCalls == before)
                for loop in loops.all { loop.resumeDevices() }
                usleep(UInt32.random(in: 0...1_000, using: &random))
            }
        }
        var random = SplitMix64(seed: seed)
        for round in 0..<TestScale.count(150) {
            try bench.bringUp()
            let byte = UInt8(truncatingIfNeeded: round)
            var asked: [UInt16: Bool] = [:]
            for _ in 0..<Int.random(in: 0...7, using: &random) { asked[try bench.ask([[byte]], room: [1])] = true }
            for _ in 0..<Int.random(in: 0...asked.count, using: &random) {
                let back = try #require(try bench.take())
                // Nothing of an earlier life comes, and nothing twice.
                #expect(asked.removeValue(forKey: back.head) == true)
                #expect(back.bytes == [byte] || back.bytes == [])
            }
            if random.next() % 2 == 0 { bench.transport.set(.status, 0) }
        }
        // While the threads go on.
        bench.end()
        #expect(own.calls.last == "ended")
        isOver.store(true, ordering: .relaxed)
        for thread in completers + [pauser] { thread.join() }
        for request in own.takeKept() { #expect(!request.complete()) }
    }
}
