import DeviceModel
import Testing
import VirtioDriver

/// Every order in which a driver can write Status, against a second description (VIRTIO 1.2 §2.1, §2.2.2, §3.1.1).
@Suite("Status of a virtio device")
struct VirtioStatusTests {
    /// Each bit, what drivers write, and the bit that is not the driver's; then bits that do not exist.
    private static let values: [UInt32] = [0, 1, 2, 4, 8, 128, 11, 15, 64, 3, 12, 32, 0x100, 0x108]

    private struct Walk {
        let values: ArraySlice<UInt32>
        let features: [(select: UInt32, value: UInt32)]
        var count = 0

        /// Tries every sequence of so many further writes; nil if the two agree everywhere.
        mutating func difference(
            _ registers: VirtioMMIORegisters, _ model: SpecificationTransport, depth: Int
        ) -> String? {
            guard depth > 0 else { return nil }
            for value in values {
                var (registers, model) = (registers, model)
                let before = model.isActive
                count += 1
                let action = registers.write(.status, value)
                model.write(0x70, 4, UInt64(value))
                var expected = VirtioMMIOAction.none
                if value == 0 {
                    expected = .reset
                    registers.reset()
                    choose(&registers, &model)
                } else if model.isActive && !before {
                    expected = .activate
                }
                guard action == expected, UInt64(registers.read(.status)) == model.status,
                    registers.isActive == model.isActive
                else { return "\(value) leads to \(registers.status), not \(model.status)" }
                if let rest = difference(registers, model, depth: depth - 1) { return "\(value), \(rest)" }
            }
            return nil
        }

        func choose(_ registers: inout VirtioMMIORegisters, _ model: inout SpecificationTransport) {
            for (select, value) in features {
                _ = registers.write(.driverFeaturesSelect, select)
                _ = registers.write(.driverFeatures, value)
                model.write(0x24, 4, UInt64(select))
                model.write(0x20, 4, UInt64(value))
            }
        }
    }

    @Test(
        "all sequences of five writes lead where the specification says, with features that can be had and that cannot",
        arguments: [
            ([(1, 1)], 5), ([(0, 1 << 29), (1, 0x101)], 3), ([], 4), ([(1, 1), (0, 1 << 28)], 4),
            ([(1, 1), (2, 1)], 4), ([(1, 3)], 3), ([(1, 1), (.max, 0)], 3),
        ] as [([(UInt32, UInt32)], Int)])
    func sequences(features: [(UInt32, UInt32)], depth: Int) {
        let backend = RecordingBackend(features: .eventIndex)
        var registers = VirtioMMIORegisters(deviceID: 3, offeredFeatures: backend.features, queueSizes: [8, 4])
        var model = SpecificationTransport(backend, memoryEnd: 0)
        // The longest ones without what adds little.
        let values = Self.values.prefix(depth > 4 ? 9 : .max)
        var walk = Walk(values: values, features: features.map { (select: $0.0, value: $0.1) })
        walk.choose(&registers, &model)
        if let difference = walk.difference(registers, model, depth: depth) { Issue.record("\(difference)") }
        #expect(walk.count >= 2_954)
    }

    @Test("from every status every value adds what it may, and takes nothing away")
    func everyStatus() {
        for (old, value) in (0...UInt8.max).flatMap({ old in (0...UInt8.max).map { (old, $0) } }) {
            for isAcceptable in [false, true] {
                let new = VirtioStatus(rawValue: old).adding(
                    VirtioStatus(rawValue: value), featuresAreAcceptable: isAcceptable
                ).rawValue
                let goesOn = (old | value) & 128 == 0
                let agrees = old & 8 != 0 || goesOn && isAcceptable && value & 8 != 0
                let isLive = old & 4 != 0 || goesOn && agrees && value & 4 != 0
                let expected = old | value & 0x83 | (agrees ? 8 : 0) | (isLive ? 4 : 0)
                guard new == expected else {
                    Issue.record("\(old), then \(value), leads to \(new), not \(expected)")
                    return
                }
            }
        }
    }

    @Test("features are frozen by FEATURES_OK, and the negotiated ones reach the backend")
    func freezes() throws {
        let backend = RecordingBackend(features: [.eventIndex, .indirectDescriptors])
        let device = VirtioMMIO(backend: backend, memory: try HostPages.makeMemory([(0, 4096)]), interrupt: nil)
        device.negotiate(features: 1 << 32 | 1 << 29)
        #expect(device.status == 11)
        let before = device.registers
        device.set(.driverFeatures, 0)
        #expect(device.registers == before)
        device.set(.status, 15)
        #expect(backend.takeCalls() == [.reset, .activate(features: 1 << 32 | 1 << 29)])
        device.set(.status, 15)
        device.set(.status, 4)
        #expect(backend.calls == [])
    }

    @Test("a driver whose features were refused can choose again")
    func choosesAgain() throws {
        let backend = RecordingBackend()
        let device = VirtioMMIO(backend: backend, memory: try HostPages.makeMemory([(0, 4096)]), interrupt: nil)
        device.negotiate(features: 1 << 29 | 1 << 32)
        #expect(device.status == 3)
        device.set(.status, 15)
        #expect(device.status == 3)
        #expect(backend.calls == [.reset])
        device.set(.driverFeaturesSelect, 0)
        device.set(.driverFeatures, 0)
        device.set(.status, 11)
        #expect(device.status == 11)
    }

    @Test("what no code supports is not offered, whatever the backend says")
    func offers() throws {
        for (features, offered) in [
            (0, 0x101_0000_0000), (.max, 0xFFFC_0109_30FF_FFFF), (1 << 34, 0x101_0000_0000),
        ] as [(UInt64, UInt64)] {
            let backend = RecordingBackend(features: VirtioFeatures(rawValue: features))
            let device = VirtioMMIO(backend: backend, memory: try HostPages.makeMemory([(0, 4096)]), interrupt: nil)
            var seen: [UInt64] = []
            for select in [0, 1, 2, 3, 32, 0x8000_0000, 0xFFFF_FFFF] as [UInt64] {
                device.set(.deviceFeaturesSelect, select)
                seen.append(device.get(.deviceFeatures))
            }
            #expect(seen == [offered & 0xFFFF_FFFF, offered >> 32, 0, 0, 0, 0, 0])
        }
    }
}
