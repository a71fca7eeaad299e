import DeviceModel
import Glibc
import LinuxHost
import Synchronization
import TestSupport
import Testing
import VirtioDriver

@testable import VMM

/// A disk with its worker, and the driver of its queue, without a machine.
private final class DiskDriver {
    static let sectors = 64
    private static let queueSize: UInt16 = 16

    let file: TemporaryFile
    let memory: GuestMemory
    let host: MachineHost
    let device: VirtioDevice
    var queue: MockDriver

    /// - Parameter onStart: called on the disk's worker at first.
    init(
        _ content: [UInt8] = [UInt8](repeating: 0, count: sectors * 512), isReadOnly: Bool = false,
        onStart: @escaping @Sendable () -> Void = {}
    ) throws {
        file = TemporaryFile(content)
        memory = try HostPages.makeMemory([(start: 0, size: 0x20000)])
        host = try MachineHost(memory: memory, output: ConsoleOutput())
        let slot = DeviceSlot(name: "disk0", kind: .virtio(deviceID: 2), ranges: [.memory(0..<0x1000)], gsi: 5)
        let made = try DiskConfiguration(path: file.path, isReadOnly: isReadOnly).makeDevice(slot, host)
        device = try #require(made as? VirtioDevice)
        queue = try MockDriver(memory: memory, size: Self.queueSize, base: 0)
        try device.begin()
        try host.loops.start(onStart)
    }

    deinit {
        host.loops.end()
        _ = device.end()
    }

    var transport: VirtioMMIO { device.transport }

    func bringUp(features: UInt64 = VirtioMMIO.version1) throws {
        let zeros = [UInt8](repeating: 0, count: Int(MockDriver.end(size: Self.queueSize, base: 0)))
        try memory.write(zeros.span, at: GuestAddress(0))
        queue = try MockDriver(memory: memory, size: Self.queueSize, base: 0)
        transport.bringUp([queue.layout], features: features)
        try #require(transport.status == 15)
    }

    func offer(_ type: UInt32, sector: UInt64, data: [[UInt8]] = [], room: [UInt32] = [], rings: Bool = true) throws {
        var header: [UInt8] = []
        header.appendLittleEndian(type)
        header.appendLittleEndian(UInt32(0))
        header.appendLittleEndian(sector)
        try #require(try queue.add(readable: [header] + data, writable: room + [1]) != nil)
        if try queue.publish(), rings { transport.set(.queueNotify, 0) }
    }

    /// What comes back: the data, and the status as the last byte.
    func take() throws -> [UInt8]? {
        var completion: MockDriver.Completion?
        _ = try eventually {
            completion = try queue.takeBuffers()
            return completion != nil
        }
        return completion?.bytes
    }

    func perform(_ type: UInt32, sector: UInt64, data: [[UInt8]] = [], room: [UInt32] = []) throws -> [UInt8]? {
        try offer(type, sector: sector, data: data, room: room)
        return try take()
    }
}

@Suite("A disk and its driver")
struct DiskTests {
    @Test(
        "what is written in whatever pieces is in the file, and is read back", arguments: 1...4 as ClosedRange<UInt64>)
    func model(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var content = (0..<DiskDriver.sectors * 512).map { _ in UInt8.random(in: 0...255, using: &random) }
        let disk = try DiskDriver(content)
        try disk.bringUp()
        for _ in 0..<TestScale.count(500) {
            let count = Int.random(in: 0...8, using: &random)
            let sector = Int.random(in: 0...DiskDriver.sectors + 2, using: &random)
            let isThere = sector + count <= DiskDriver.sectors
            let (start, length) = (sector * 512, count * 512)
            // Cut somewhere.
            let cut = length == 0 ? 0 : Int.random(in: 0...min(length, 4096), using: &random)
            guard max(cut, length - cut) <= 4096 else { continue }
            if Bool.random(using: &random) {
                let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
                let answer = try disk.perform(
                    1, sector: UInt64(sector), data: [Array(bytes[..<cut]), Array(bytes[cut...])])
                #expect(answer == [isThere ? 0 : 1])
                if isThere { content.replaceSubrange(start..<start + length, with: bytes) }
            } else {
                let answer = try disk.perform(
                    0, sector: UInt64(sector), room: [UInt32(cut), UInt32(length - cut)])
                if isThere {
                    #expect(answer == content[start..<start + length] + [0])
                } else {
                    #expect(answer == (length == 0 ? [1] : []))
                }
            }
        }
        #expect(try disk.perform(4, sector: 0) == [0])
        #expect(try FileBytes.read(disk.file.path) == content)
        let report = disk.device.report
        #expect(report.name == "disk0" && (report.requests ?? 0) > 0)
    }

    @Test("its configuration tells the capacity, and it its name; what nobody knows is unsupported")
    func identity() throws {
        let disk = try DiskDriver()
        try disk.bringUp()
        #expect(disk.transport.read(offset: 0x100, width: 8) == 64)
        #expect(
            try disk.perform(8, sector: 0, room: [20]) == Array("disk0".utf8) + [UInt8](repeating: 0, count: 15) + [0])
        #expect(try disk.perform(11, sector: 0) == [2])
        #expect(disk.device.report.failedRequests == 1)
    }

    @Test("one that is only read refuses writes, and stays as it is")
    func readOnly() throws {
        let content = [UInt8](repeating: 0x5A, count: DiskDriver.sectors * 512)
        let disk = try DiskDriver(content, isReadOnly: true)
        try disk.bringUp()
        disk.transport.set(.deviceFeaturesSelect, 0)
        #expect(disk.transport.get(.deviceFeatures) & 1 << 5 != 0)
        #expect(try disk.perform(1, sector: 0, data: [[UInt8](repeating: 0, count: 512)]) == [1])
        #expect(try disk.perform(0, sector: 0, room: [512]) == [UInt8](repeating: 0x5A, count: 512) + [0])
        #expect(try FileBytes.read(disk.file.path) == content)
    }

    @Test("what its driver has offered without a ring is done at the end of the run")
    func offeredInSilence() throws {
        let disk = try DiskDriver()
        try disk.bringUp()
        try disk.offer(1, sector: 3, data: [[UInt8](repeating: 0x5A, count: 512)], rings: false)
        #expect(!disk.device.isIdle)
        let start = MonotonicClock.now
        #expect(disk.host.drain([disk.device]) { MonotonicClock.now - start > 60_000_000_000 })
        #expect(try disk.take() == [0])
        #expect(try FileBytes.read(disk.file.path)[1536..<2048] == [UInt8](repeating: 0x5A, count: 512)[...])
    }

    @Test("a file that becomes shorter is an error of its requests, and no more")
    func shorter() throws {
        let disk = try DiskDriver()
        try disk.bringUp()
        // SAFETY: a C string for the length of the call.
        #expect(unsafe truncate(disk.file.path, 512) == 0)
        #expect(try disk.perform(0, sector: 0, room: [512])?.last == 0)
        #expect(try disk.perform(0, sector: 8, room: [512]) == [])
        #expect(disk.host.control.outcome == nil)
        #expect(disk.transport.fault == nil)
    }

    @Test("its report counts the requests, and those among them that failed")
    func counts() throws {
        let disk = try DiskDriver()
        try disk.bringUp()
        for sector in 0..<4 as Range<UInt64> { #expect(try disk.perform(0, sector: sector, room: [512])?.last == 0) }
        #expect(try disk.perform(0, sector: 1000, room: [512]) == [])
        #expect(disk.device.report.requests == 5)
        #expect(disk.device.report.failedRequests == 1)
    }

    @Test("a flush reaches the file, and so does each write of a driver that has not agreed to ask for one")
    func flushes() throws {
        for agrees in [false, true] {
            let isRefused = Mutex(false)
            let disk = try DiskDriver {
                let result = RefusedCall.fdatasync.refuse()
                isRefused.withLock { $0 = result }
            }
            try #require(isRefused.withLock { $0 }, "the system refuses no call of one thread")
            try disk.bringUp(features: VirtioMMIO.version1 | (agrees ? VirtioFeatures.blockFlush.rawValue : 0))
            let sector = [UInt8](repeating: 1, count: 512)
            #expect(try disk.perform(1, sector: 0, data: [sector]) == [agrees ? 0 : 1])
            #expect(try disk.perform(0, sector: 0, room: [512]) == sector + [0])
            #expect(try disk.perform(4, sector: 0) == [1])
        }
    }

    @Test("a chain that is no request stops the device until it is reset, and is told")
    func noRequest() throws {
        let disk = try DiskDriver()
        try disk.bringUp()
        try #require(try disk.queue.add(readable: [[1, 2, 3]], writable: [1]) != nil)
        _ = try disk.queue.publish()
        disk.transport.set(.queueNotify, 0)
        #expect(eventually { disk.transport.status & 0x40 != 0 })
        #expect(disk.device.report.fault?.contains("queue 0") == true)
        try disk.bringUp()
        #expect(try disk.perform(4, sector: 0) == [0])
    }

    @Test("a reset and an end in the middle of requests return, and nothing is written to memory after that")
    func reset() throws {
        var random = SplitMix64(seed: 5)
        let disk = try DiskDriver()
        for round in 0..<TestScale.count(200) {
            try disk.bringUp()
            for _ in 0..<5 { try disk.offer(0, sector: UInt64.random(in: 0..<60, using: &random), room: [2048]) }
            usleep(UInt32.random(in: 0...200, using: &random))
            if round % 2 == 0 {
                disk.transport.set(.status, 0)
            } else {
                disk.transport.set(.queueSelect, 0)
                disk.transport.set(.queueReady, 0)
                #expect(disk.transport.get(.queueReady) == 0)
            }
            let noise = [UInt8](repeating: 0xEE, count: 0x20000)
            try disk.memory.write(noise.span, at: GuestAddress(0))
            usleep(100)
            var seen = [UInt8](repeating: 0, count: 0x20000)
            var span = seen.mutableSpan
            try disk.memory.read(at: GuestAddress(0), into: &span)
            #expect(seen == noise)
        }
    }

    @Test("no sequence of a driver's steps traps or hangs", arguments: 1...4 as ClosedRange<UInt64>)
    func hostile(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let disk = try DiskDriver()
        for _ in 0..<TestScale.count(20_000) {
            switch Int.random(in: 0..<10, using: &random) {
            case 0 where Int.random(in: 0..<20, using: &random) == 0: try disk.bringUp()
            case 1 where Int.random(in: 0..<20, using: &random) == 0:
                disk.transport.set(.status, UInt64.random(in: 0...255, using: &random))
            case 2: disk.transport.set(.queueReady, UInt64.random(in: 0...1, using: &random))
            case 3, 4: disk.transport.set(.queueNotify, UInt64.random(in: 0...1, using: &random))
            case 5: disk.transport.set(.interruptAcknowledge, disk.transport.get(.interruptStatus))
            case 6:
                let value = UInt64.random(in: 0...UInt64.max, using: &random)
                try disk.memory.store(value, at: GuestAddress(UInt64.random(in: 0...0x1FFF8, using: &random)))
            case 7:
                let descriptor = MockDescriptor(
                    address: UInt64.random(in: 0...0x21000, using: &random),
                    count: [0, 1, 16, 512, 4096, .max].randomElement(using: &random) ?? 0,
                    flags: UInt16.random(in: 0...7, using: &random), next: UInt16.random(in: 0...17, using: &random))
                try disk.queue.set(UInt16.random(in: 0..<16, using: &random), descriptor)
            default:
                try disk.queue.offer(UInt16.random(in: 0...16, using: &random))
                _ = try disk.queue.publish()
            }
        }
        disk.transport.set(.status, 0)
        try disk.bringUp()
        #expect(try disk.perform(4, sector: 0) == [0])
        #expect(try FileBytes.read(disk.file.path).count == DiskDriver.sectors * 512)
        #expect(disk.host.control.outcome == nil)
    }

    @Test("a disk that cannot be used is told in words, and a writable one belongs to one machine")
    func refusals() throws {
        func words(_ path: String, isReadOnly: Bool = false) -> String? {
            do throws(VMMError) {
                let memory = try GuestRAM.make(1 << 20).memory
                let host = try MachineHost(memory: memory, output: ConsoleOutput())
                let slot = DeviceSlot(name: "disk0", kind: .virtio(deviceID: 2), ranges: [.memory(0..<0x1000)], gsi: 5)
                _ = try DiskConfiguration(path: path, isReadOnly: isReadOnly).makeDevice(slot, host)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(words("/nowhere")?.contains("No such file") == true)
        #expect(words("/dev/null")?.contains("neither a file nor a block device") == true)
        let small = TemporaryFile([1, 2, 3])
        let file = TemporaryFile([UInt8](repeating: 0, count: 512))
        let disk = try DiskDriver()
        withExtendedLifetime((small, file, disk)) {
            #expect(words(small.path)?.contains("no sector") == true)
            #expect(words(file.path) == nil)
            #expect(words(disk.file.path)?.contains("another program has it open") == true)
            #expect(words(disk.file.path, isReadOnly: true)?.contains("another program has it open") == true)
        }
    }
}
