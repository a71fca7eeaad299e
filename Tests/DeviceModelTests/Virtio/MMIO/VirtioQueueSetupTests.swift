import DeviceModel
import Testing
import VirtioDriver

/// Queues as a driver makes them ready and takes them back (VIRTIO 1.2 §4.2.2, §4.2.3.2, §2.6.1).
@Suite("Queues of a virtio-mmio device")
struct VirtioQueueSetupTests {
    private let line = LevelRecorder()
    private let backend = RecordingBackend(features: .eventIndex)
    private let first = MockDriver.layout(size: 8, base: 0x1000)
    private let second = MockDriver.layout(size: 4, base: 0x2000)
    private static let features: UInt64 = 0x101 << 32 | 1 << 29

    private func makeDevice() throws -> VirtioMMIO {
        VirtioMMIO(
            backend: backend, memory: try HostPages.makeMemory([(0, 0x1_0000), (1 << 32, 0x1000)]), interrupt: line)
    }

    @Test("queues that are ready before DRIVER_OK start at DRIVER_OK, those after it at once, in order")
    func starts() throws {
        let device = try makeDevice()
        device.negotiate(features: Self.features)
        device.configure(queue: 1, second)
        device.set(.queueReady, 1)
        #expect(device.get(.queueReady) == 1)
        device.set(.queueNotify, 1)
        #expect(backend.takeCalls() == [.reset])
        device.set(.status, 15)
        #expect(
            backend.takeCalls() == [
                .activate(features: Self.features), .start(1, second, features: Self.features),
            ])
        device.configure(queue: 0, first)
        #expect(device.get(.queueReady) == 0)
        device.set(.queueReady, 1)
        device.set(.queueReady, 1)
        #expect(backend.takeCalls() == [.start(0, first, features: Self.features)])
    }

    @Test("a queue can lie above 4 GiB")
    func high() throws {
        let device = try makeDevice()
        device.bringUp([MockDriver.layout(size: 8, base: 1 << 32)])
        #expect(backend.calls.last == .start(0, MockDriver.layout(size: 8, base: 1 << 32), features: 1 << 32))
    }

    @Test("no queue is ready before FEATURES_OK, nor after FAILED")
    func refusesEarly() throws {
        let device = try makeDevice()
        device.set(.status, 3)
        device.configure(queue: 0, first)
        device.set(.queueReady, 1)
        #expect(device.get(.queueReady) == 0)
        device.bringUp()
        device.set(.status, 128)
        device.configure(queue: 0, first)
        device.set(.queueReady, 1)
        #expect(device.get(.queueReady) == 0)
        #expect(backend.calls == [.reset, .activate(features: 1 << 32)])
    }

    @Test("only 0 and 1 mean something to QueueReady, and only 1 to QueueReset")
    func otherValues() throws {
        let device = try makeDevice()
        device.bringUp([first], features: Self.features)
        for value in [2, 3, 0x8000_0001, 0xFFFF_FFFF] as [UInt64] {
            device.set(.queueReady, value)
            device.set(.queueReset, value)
            #expect(device.get(.queueReady) == 1)
        }
        device.set(.queueReset, 0)
        device.configure(queue: 1, second)
        device.set(.queueReady, 2)
        #expect(device.get(.queueReady) == 0)
        #expect(backend.calls.count == 3)
    }

    @Test("the registers of a ready queue do not change, and those of the others do")
    func frozen() throws {
        let device = try makeDevice()
        device.bringUp([first])
        let before = device.registers
        device.configure(queue: 0, second)
        #expect(device.registers == before)
        device.configure(queue: 1, second)
        #expect(device.registers.queues[1].layout == second)
    }

    @Test("QueueReady 0 stops a queue, whose other registers stay, and it can be made ready anew")
    func unready() throws {
        let device = try makeDevice()
        device.bringUp([first, second])
        _ = backend.takeCalls()
        var expected = device.registers
        device.set(.queueSelect, 0)
        device.set(.queueReady, 0)
        expected.queueSelect = 0
        expected.queues[0].isReady = false
        #expect(device.registers == expected)
        device.set(.queueReady, 0)
        device.set(.queueNotify, 0)
        device.set(.queueNotify, 1)
        device.set(.queueReady, 1)
        #expect(backend.calls == [.stop(0), .notify(1), .start(0, first, features: 1 << 32)])
    }

    @Test("before DRIVER_OK a queue that is taken back was never started")
    func unreadyEarly() throws {
        let device = try makeDevice()
        device.negotiate()
        device.configure(queue: 0, first)
        device.set(.queueReady, 1)
        device.set(.queueReady, 0)
        #expect(device.get(.queueReady) == 0)
        device.set(.status, 15)
        device.set(.status, 0)
        #expect(backend.calls == [.reset, .activate(features: 1 << 32), .reset])
    }

    @Test("QueueReset stops a queue and clears its registers, if it was negotiated")
    func resetsQueue() throws {
        let device = try makeDevice()
        device.bringUp([first, second])
        device.set(.queueReset, 1)
        #expect(device.get(.queueReady) == 1)
        device.bringUp([first, second], features: Self.features)
        _ = backend.takeCalls()
        var expected = device.registers
        device.set(.queueReset, 1)
        expected.queues[1] = VirtioMMIOQueue(maximumSize: 4)
        #expect(device.registers == expected)
        #expect(device.get(.queueReset) == 0)
        #expect(backend.calls == [.stop(1)])
        device.configure(queue: 1, second)
        device.set(.queueReset, 1)
        #expect(device.registers == expected)
    }

    @Test("only a live device is notified, only of ready queues, and not once one side has given up")
    func notifies() throws {
        let device = try makeDevice()
        device.bringUp([first])
        _ = backend.takeCalls()
        for value in [0, 1, 2, 0x1_0000, 0xFFFF_FFFF] as [UInt64] { device.set(.queueNotify, value) }
        #expect(backend.takeCalls() == [.notify(0)])
        device.set(.status, 128)
        device.set(.queueNotify, 0)
        device.bringUp([first])
        backend.session?.fail(.device("broken"))
        _ = backend.takeCalls()
        device.set(.queueNotify, 0)
        #expect(backend.calls == [])
    }

    private static let wrong: [(VirtqueueLayout, VirtioFault)] = {
        func layout(
            _ size: UInt32 = 8, _ table: UInt64 = 0x1000, _ available: UInt64 = 0x2000, _ used: UInt64 = 0x3000
        ) -> VirtqueueLayout {
            VirtqueueLayout(
                size: size, descriptorTable: GuestAddress(table), availableRing: GuestAddress(available),
                usedRing: GuestAddress(used))
        }
        func outside(_ part: VirtqueuePart, _ address: UInt64) -> VirtioFault {
            let error = GuestMemoryError.outOfBounds(
                address: GuestAddress(address), count: part.byteCount(size: 8))
            return .virtqueue(queue: 0, .ringNotInMemory(part, error))
        }
        return [
            (layout(0), .virtqueue(queue: 0, .size(0))), (layout(3), .virtqueue(queue: 0, .size(3))),
            (layout(16), .queueTooLarge(queue: 0, size: 16, maximum: 8)),
            (layout(.max), .queueTooLarge(queue: 0, size: .max, maximum: 8)),
            (layout(8, 0x1008), .virtqueue(queue: 0, .misaligned(.descriptorTable, GuestAddress(0x1008)))),
            (layout(8, 0x1000, 0x2001), .virtqueue(queue: 0, .misaligned(.availableRing, GuestAddress(0x2001)))),
            (layout(8, 0x1000, 0x2000, 0x3002), .virtqueue(queue: 0, .misaligned(.usedRing, GuestAddress(0x3002)))),
            (layout(8, 0xFF90), outside(.descriptorTable, 0xFF90)),
            (layout(8, 0x1000, .max - 1), outside(.availableRing, .max - 1)),
            (layout(8, 0x1000, 0x2000, 2 << 32), outside(.usedRing, 2 << 32)),
        ]
    }()

    @Test(
        "a queue that cannot be sets DEVICE_NEEDS_RESET, tells a live driver, and the first reason is kept",
        arguments: 0..<10)
    func refuses(index: Int) throws {
        let (layout, fault) = Self.wrong[index]
        let device = try makeDevice()
        device.bringUp()
        device.configure(queue: 0, layout)
        device.set(.queueReady, 1)
        #expect(device.status == 15 | 64)
        #expect(device.get(.queueReady) == 0)
        #expect(device.get(.interruptStatus) == 2)
        #expect(device.fault == fault)
        #expect(!fault.description.isEmpty)
        #expect(line.levels == [true])
        // Nothing more is begun, and a further mistake is no news.
        device.set(.interruptAcknowledge, 2)
        device.configure(queue: 1, second)
        device.set(.queueReady, 1)
        backend.session?.fail(.device("later"))
        #expect(device.get(.queueReady) == 0)
        #expect(line.levels == [true, false])
        device.set(.status, 0)
        #expect(device.status == 0)
        #expect(device.fault == fault)
        #expect(backend.takeCalls() == [.reset, .activate(features: 1 << 32), .reset])
        // The device is as good as new.
        device.bringUp([first])
        backend.session?.fail(.device("later"))
        #expect(device.status == 15 | 64)
        #expect(device.fault == fault)
        #expect(backend.calls.last == .start(0, first, features: 1 << 32))
    }

    @Test("a queue that cannot be is found before DRIVER_OK; then nothing starts, and the driver is told at DRIVER_OK")
    func refusesBeforeDriverOK() throws {
        let device = try makeDevice()
        device.negotiate()
        device.configure(queue: 1, second)
        device.set(.queueReady, 1)
        device.configure(queue: 0, Self.wrong[1].0)
        device.set(.queueReady, 1)
        #expect(device.status == 11 | 64)
        #expect(device.get(.interruptStatus) == 0)
        #expect(line.levels == [])
        device.set(.status, 15)
        #expect(device.status == 15 | 64)
        #expect(device.get(.interruptStatus) == 2)
        device.set(.queueNotify, 1)
        device.set(.queueSelect, 1)
        device.set(.queueReady, 0)
        #expect(device.get(.queueReady) == 0)
        device.set(.status, 0)
        #expect(backend.calls == [.reset, .reset])
    }
}
