import DeviceModel
import Synchronization
import TestSupport
import Testing
import VirtioDriver

/// The configuration space and its generation (VIRTIO 1.2 §2.5, §4.2.2).
@Suite("Configuration of a virtio-mmio device")
struct VirtioConfigurationTests {
    private let line = LevelRecorder()
    private let backend = RecordingBackend(configuration: (0..<13).map { UInt8(0xA0 + $0) })

    private func makeDevice() throws -> VirtioMMIO {
        VirtioMMIO(backend: backend, memory: try HostPages.makeMemory([(0, 0x1_0000)]), interrupt: line)
    }

    @Test("8, 16, 32 and 64 bits are read at any offset, with zeros past the end, also before there is a driver")
    func reads() throws {
        let device = try makeDevice()
        for offset in 0..<32 {
            for width in 1...8 {
                var expected: UInt64 = 0
                for index in 0..<width where [1, 2, 4, 8].contains(width) && offset + index < 13 {
                    expected |= UInt64(0xA0 + offset + index) << UInt64(8 * index)
                }
                #expect(device.read(offset: 0x100 + UInt64(offset), width: width) == expected, "\(offset), \(width)")
            }
        }
    }

    @Test("the space ends with the device's 4,096 bytes, also if the backend has more")
    func ends() throws {
        let backend = RecordingBackend(configuration: [UInt8](repeating: 0xEE, count: 8192))
        let device = VirtioMMIO(backend: backend, memory: try HostPages.makeMemory([(0, 4096)]), interrupt: nil)
        device.negotiate()
        _ = backend.takeCalls()
        for (offset, width, expected) in [
            (0xFF8, 8, 0xEEEE_EEEE_EEEE_EEEE), (0xFF9, 8, 0), (0xFFF, 1, 0xEE), (0xFFF, 2, 0), (0x1000, 1, 0),
            (0xFF, 1, 0), (0xFC, 8, 0), (0xFE, 4, 0), (.max, 8, 0), (.max - 7, 8, 0),
        ] as [(UInt64, Int, UInt64)] {
            #expect(device.read(offset: offset, width: width) == expected, "\(offset), \(width)")
            device.write(offset: offset, width: width, value: 0)
        }
        #expect(
            backend.calls == [.write(offset: 0xEF8, width: 8, value: 0), .write(offset: 0xEFF, width: 1, value: 0)])
    }

    @Test("writes reach the backend from FEATURES_OK on, if all their bytes exist")
    func writes() throws {
        let device = try makeDevice()
        device.set(.status, 3)
        device.write(offset: 0x100, width: 4, value: 1)
        device.negotiate()
        #expect(backend.takeCalls() == [.reset])
        for (offset, width) in [(0, 1), (5, 2), (9, 4), (5, 8), (12, 1), (12, 2), (10, 4), (6, 8), (13, 1), (0, 3)] {
            device.write(offset: 0x100 + UInt64(offset), width: width, value: UInt64(offset))
        }
        let expected: [RecordingBackend.Call] = [(0, 1), (5, 2), (9, 4), (5, 8), (12, 1)].map {
            .write(offset: $0.0, width: $0.1, value: UInt64($0.0))
        }
        #expect(backend.calls == expected)
    }

    @Test("the generation changes with the bytes, and only with them")
    func generations() throws {
        let device = try makeDevice()
        #expect(device.get(.configurationGeneration) == 0)
        #expect(backend.setConfiguration([1]))
        #expect(!backend.setConfiguration([1]))
        #expect(device.get(.configurationGeneration) == 1)
        device.set(.status, 0)
        #expect(device.get(.configurationGeneration) == 1)
        #expect(device.read(offset: 0x100, width: 2) == 1)
    }

    @Test("a change between the driver's read and DRIVER_OK is told at DRIVER_OK, and one before its reset is not")
    func changesEarly() throws {
        let device = try makeDevice()
        #expect(backend.setConfiguration([1]))
        device.negotiate()
        device.set(.status, 15)
        #expect(line.levels == [])
        device.negotiate()
        #expect(device.read(offset: 0x100, width: 1) == 1)
        #expect(backend.setConfiguration([2]))
        #expect(line.levels == [])
        device.set(.status, 15)
        #expect(device.get(.interruptStatus) == 2)
        #expect(line.levels == [true])
    }

    @Test("a driver that reads between two equal generations has fields that belong together")
    func readsWhole() throws {
        let backend = RecordingBackend(configuration: [UInt8](repeating: 0, count: 16))
        let device = VirtioMMIO(backend: backend, memory: try HostPages.makeMemory([(0, 4096)]), interrupt: nil)
        let reader = Reader(device: device, count: TestScale.count(10_000))
        let thread = HostThread { reader.run() }
        var value: UInt8 = 0
        while !reader.isDone {
            value &+= 1
            _ = backend.setConfiguration([UInt8](repeating: value, count: 16))
        }
        thread.join()
        #expect(reader.torn == 0)
        // The bytes did change between the two halves, and the generation told of it.
        #expect(reader.retries >= 10)
    }

    /// Reads both halves of the space so many times, and until it has seen a change in between often enough.
    private final class Reader: Sendable {
        private let device: VirtioMMIO
        private let count: Int
        private let state = Mutex((isDone: false, torn: 0, retries: 0))

        init(device: VirtioMMIO, count: Int) {
            self.device = device
            self.count = count
        }

        var isDone: Bool { state.withLock { $0.isDone } }
        var torn: Int { state.withLock { $0.torn } }
        var retries: Int { state.withLock { $0.retries } }

        func run() {
            let end = ContinuousClock().now + TestScale.patience
            var reads = 0
            while reads < count || retries < 10 {
                reads += 1
                if reads & 0xFFF == 0, ContinuousClock().now > end { break }
                let before = device.get(.configurationGeneration)
                let (low, high) = (device.read(offset: 0x100, width: 8), device.read(offset: 0x108, width: 8))
                let isWhole = device.get(.configurationGeneration) == before
                state.withLock { state in
                    if !isWhole {
                        state.retries += 1
                    } else if low != high {
                        state.torn += 1
                    }
                }
            }
            state.withLock { $0.isDone = true }
        }
    }

    @Test("each change of a live device raises one interrupt, and the driver ends with the last bytes")
    func changesWhileLive() throws {
        let device = try makeDevice()
        device.bringUp()
        let (backend, last) = (backend, UInt8(200))
        let changer = HostThread {
            for value in 1...last {
                _ = backend.setConfiguration([value])
                backend.session?.configurationChanged()
            }
        }
        // Handles first and acknowledges then, as the specification says (§4.2.3.4): the order that could lose a change.
        var seen: UInt64 = 0
        let end = ContinuousClock().now + TestScale.patience
        while seen != UInt64(last), ContinuousClock().now < end {
            guard device.get(.interruptStatus) & 2 != 0 else { continue }
            seen = device.read(offset: 0x100, width: 1)
            device.set(.interruptAcknowledge, 2)
        }
        changer.join()
        #expect(seen == UInt64(last))
    }
}
