import DeviceModel
import Testing
import VirtioDriver

/// Every register, width and offset, over whole states (VIRTIO 1.2 §4.2.2).
@Suite("Registers of a virtio-mmio device")
struct VirtioMMIORegisterTests {
    private let line = LevelRecorder()
    private let backend = RecordingBackend(
        deviceID: 0x1234, features: .eventIndex, queueSizes: [8, 0, 40_000], configuration: [1, 2, 3])

    private func makeDevice() throws -> VirtioMMIO {
        VirtioMMIO(backend: backend, memory: try HostPages.makeMemory([(0, 0x1_0000)]), interrupt: line)
    }

    /// What each offset below 0x100 reads at first, if not 0.
    private static let fresh: [UInt64: UInt64] = [
        0x00: 0x7472_6976, 0x04: 2, 0x08: 0x1234, 0x0C: 0x4D4D_5653, 0x10: 0x2000_0000, 0x34: 8,
        0xB0: 0xFFFF_FFFF, 0xB4: 0xFFFF_FFFF, 0xB8: 0xFFFF_FFFF, 0xBC: 0xFFFF_FFFF,
    ]

    @Test(
        "of all offsets and widths below the configuration, aligned ones of 32 bits read registers, and others nothing")
    func reads() throws {
        let device = try makeDevice()
        for offset in 0..<0x100 as Range<UInt64> {
            for width in 1...8 {
                let expected = width == 4 ? Self.fresh[offset] ?? 0 : 0
                #expect(device.read(offset: offset, width: width) == expected, "\(offset), \(width)")
            }
        }
        for offset in [0x1000, 0x1001, 1 << 32, .max - 7, .max] as [UInt64] {
            for width in 1...8 {
                #expect(device.read(offset: offset, width: width) == 0)
                device.write(offset: offset, width: width, value: .max)
            }
        }
        #expect(backend.calls == [])
        #expect(line.levels == [])
    }

    @Test("writes of other widths, to other offsets and to registers that can only be read change nothing")
    func ignoredWrites() throws {
        let device = try makeDevice()
        device.negotiate()
        let before = device.registers
        _ = backend.takeCalls()
        let writable: Set<UInt64> = [
            0x14, 0x20, 0x24, 0x30, 0x38, 0x44, 0x50, 0x64, 0x70, 0x80, 0x84, 0x90, 0x94, 0xA0, 0xA4, 0xAC, 0xC0,
        ]
        for offset in 0..<0x100 as Range<UInt64> {
            for width in 1...8 where width != 4 || !writable.contains(offset) {
                for value in [0, 1, .max] as [UInt64] { device.write(offset: offset, width: width, value: value) }
                #expect(device.registers == before, "\(offset), \(width)")
            }
        }
        #expect(backend.calls == [])
    }

    @Test("each register keeps what is written to it, and nothing else changes")
    func writes() throws {
        let changes: [(VirtioMMIORegister, (inout VirtioMMIORegisters, UInt32) -> Void)] = [
            (.deviceFeaturesSelect, { $0.deviceFeaturesSelect = $1 }),
            (.driverFeaturesSelect, { $0.driverFeaturesSelect = $1 }),
            (.driverFeatures, { $0.driverFeatures = VirtioFeatures(rawValue: UInt64($1) << 32 | 0x55AA) }),
            (.queueSelect, { $0.queueSelect = $1 }), (.queueSize, { $0.queues[2].size = $1 }),
            (.queueDescriptorLow, { $0.queues[2].descriptorArea = 0x1111_2222_0000_0000 | UInt64($1) }),
            (.queueDescriptorHigh, { $0.queues[2].descriptorArea = UInt64($1) << 32 | 0x3333_4444 }),
            (.queueDriverLow, { $0.queues[2].driverArea = 0x1111_2222_0000_0000 | UInt64($1) }),
            (.queueDriverHigh, { $0.queues[2].driverArea = UInt64($1) << 32 | 0x3333_4444 }),
            (.queueDeviceLow, { $0.queues[2].deviceArea = 0x1111_2222_0000_0000 | UInt64($1) }),
            (.queueDeviceHigh, { $0.queues[2].deviceArea = UInt64($1) << 32 | 0x3333_4444 }),
            (.interruptAcknowledge, { _, _ in }), (.queueNotify, { _, _ in }), (.sharedMemorySelect, { _, _ in }),
        ]
        var registers = VirtioMMIORegisters(deviceID: 1, offeredFeatures: [], queueSizes: [8, 0, 40_000])
        registers.queueSelect = 2
        registers.driverFeaturesSelect = 1
        registers.driverFeatures = VirtioFeatures(rawValue: 0x7777_0000_55AA)
        registers.queues[2].descriptorArea = 0x1111_2222_3333_4444
        registers.queues[2].driverArea = 0x1111_2222_3333_4444
        registers.queues[2].deviceArea = 0x1111_2222_3333_4444
        for (register, change) in changes {
            for value in [0, 1, 0x8000_0001, .max] as [UInt32] {
                var (seen, expected) = (registers, registers)
                let action = seen.write(register, value)
                change(&expected, value)
                #expect(seen == expected, "\(register), \(value)")
                #expect(action == .none)
            }
        }
    }

    @Test(
        "a queue that does not exist reads as such and takes nothing",
        arguments: [1, 3, 4, 0x1_0000, 0x8000_0000, .max])
    func noQueue(index: UInt32) throws {
        let device = try makeDevice()
        device.negotiate(features: 0x101 << 32)
        device.set(.queueSelect, UInt64(index))
        let before = device.registers
        _ = backend.takeCalls()
        for register in VirtioMMIORegister.allCases
        where (0x34...0x50).contains(register.rawValue) || (0x80..<0xAC).contains(register.rawValue)
            || register == .queueReset
        {
            for value in [0, 1, 8] as [UInt64] {
                if register != .queueNotify || value != 0 { device.set(register, value) }
                #expect(device.get(register) == 0)
            }
        }
        device.set(.queueNotify, UInt64(index))
        #expect(device.registers == before)
        #expect(backend.calls == [])
    }

    @Test("a queue has at most 32,768 entries, whatever the backend says")
    func maximum() throws {
        let device = try makeDevice()
        device.set(.queueSelect, 2)
        #expect(device.get(.queueSizeMaximum) == 32_768)
    }

    @Test("a reset brings back the first state, whatever was written")
    func reset() throws {
        let device = try makeDevice()
        let before = device.registers
        device.bringUp([MockDriver.layout(size: 8, base: 0x1000)], features: 0x101 << 32)
        device.set(.deviceFeaturesSelect, 1)
        device.set(.driverFeaturesSelect, 2)
        backend.session?.raiseUsedBufferInterrupt(queue: 0)
        backend.session?.configurationChanged()
        #expect(device.get(.interruptStatus) == 3)
        #expect(line.levels == [true])
        device.set(.status, 0)
        #expect(device.registers == before)
        #expect(line.levels == [true, false])
        #expect(backend.calls.suffix(2) == [.stop(0), .reset])
    }
}
