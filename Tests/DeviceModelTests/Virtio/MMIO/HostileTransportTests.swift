import DeviceModel
import TestSupport
import Testing
import VirtioDriver

/// A driver that accesses registers at random while the device does things at random, compared with a second description after
/// each step. The seed is the argument, so a failure can be repeated.
@Suite("A hostile driver of a virtio-mmio device")
struct HostileTransportTests {
    private static let memoryEnd: UInt64 = 0x1_0000

    private struct Bench {
        let line = LevelRecorder()
        let backend: RecordingBackend
        let device: VirtioMMIO
        var model: SpecificationTransport
        var random: SplitMix64
        var late: VirtioSession?
        /// How often the sequence got anywhere.
        var (activations, starts, stops, notifications, faults) = (0, 0, 0, 0, 0)

        init(seed: UInt64) throws {
            random = SplitMix64(seed: seed)
            backend = RecordingBackend(
                features: VirtioFeatures(rawValue: 0xABCD_EF01_F234_5678), queueSizes: [8, 0, 64, 1],
                configuration: (0..<13).map { UInt8($0 + 1) })
            let memory = try HostPages.makeMemory([(0, Int(HostileTransportTests.memoryEnd))])
            device = VirtioMMIO(backend: backend, memory: memory, interrupt: line)
            model = SpecificationTransport(backend, memoryEnd: HostileTransportTests.memoryEnd)
        }

        mutating func pick<T>(_ values: [T]) -> T { values[Int(random.next() % UInt64(values.count))] }

        /// One access or event; nil if both sides agree, else how they do not.
        mutating func step() -> String? {
            let text: String
            switch random.next() % 32 {
            case 0: text = happen()
            case 1...4:
                text = access(
                    random.next() & 0x1FF &+ (random.next() & 7 == 0 ? 0xF00 : 0), width: pick([1, 2, 3, 4, 4, 5, 8]))
            case 5:
                bringUp()
                text = "bringing up"
            default: text = access(pick(VirtioMMIORegister.allCases).rawValue, width: 4)
            }
            guard backend.takeCalls() == model.calls else { return "\(text): calls differ: \(model.calls)" }
            count()
            guard (line.levels.last ?? false) == (model.interruptStatus != 0) else { return "\(text): the line" }
            return text.hasSuffix("!") ? text : nil
        }

        private mutating func count() {
            for call in model.calls {
                switch call {
                case .activate: activations += 1
                case .start: starts += 1
                case .stop: stops += 1
                case .notify: notifications += 1
                case .reset, .write: break
                }
            }
            if model.needsReset { faults += 1 }
            model.calls = []
        }

        /// A value that has a meaning for the register, mostly.
        private mutating func value(for offset: UInt64) -> UInt64 {
            guard random.next() & 15 != 0 else { return pick([random.next() & 0xFFFF_FFFF, 0xFFFF_FFFF]) }
            switch offset {
            case 0x14, 0x24: return pick([0, 1, 1, 2])
            case 0x20: return pick([1, 0x101, 0, 0x3000_0000, 0x109])
            case 0x30, 0x50: return pick([0, 0, 1, 2, 2, 3, 4])
            case 0x38: return pick([8, 4, 1, 16, 3, 64])
            case 0x44, 0xC0: return pick([0, 1, 1, 1])
            case 0x64: return pick([1, 2, 3, 0])
            case 0x70: return pick([1, 2, 3, 8, 11, 4, 15, 64, 0x100, pick([0, 128])])
            case 0x84, 0x94, 0xA4: return pick([0, 0, 0, 1])
            default: return random.next() % 0x1100 << 4
            }
        }

        private mutating func access(_ offset: UInt64, width: Int) -> String {
            let mask: UInt64 = width == 8 ? .max : ~(.max << UInt64(8 * width))
            if random.next() % 3 == 0, offset != 0xFC {
                let (seen, expected) = (device.read(offset: offset, width: width), model.read(offset, width))
                return seen == expected ? "read \(offset)" : "read \(offset), \(width): \(seen), not \(expected)!"
            }
            let value = (width == 4 ? value(for: offset) : random.next()) & mask
            device.write(offset: offset, width: width, value: value)
            model.write(offset, width, value)
            return "write \(offset), \(width): \(value)"
        }

        private mutating func write(_ register: VirtioMMIORegister, _ value: UInt64) {
            device.set(register, value)
            model.write(register.rawValue, 4, value)
        }

        /// What a good driver does, as far as a random status lets it.
        private mutating func bringUp() {
            if random.next() & 3 == 0 { write(.status, 0) }
            write(.status, 3)
            for (word, value) in [(0, 0x3000_0000), (1, pick([0x1, 0x101]))] as [(UInt64, UInt64)] {
                write(.driverFeaturesSelect, word)
                write(.driverFeatures, value)
            }
            write(.status, 11)
            for queue in [0, 2] as [UInt64] {
                write(.queueSelect, queue)
                write(.queueSize, 8)
                write(.queueDescriptorLow, 0x1000 * (queue + 1))
                write(.queueDriverLow, 0x1000 * (queue + 1) + 0x400)
                write(.queueDeviceLow, 0x1000 * (queue + 1) + 0x800)
                for register in [.queueDescriptorHigh, .queueDriverHigh, .queueDeviceHigh] as [VirtioMMIORegister] {
                    write(register, 0)
                }
                write(.queueReady, 1)
            }
            write(.status, 15)
        }

        private mutating func happen() -> String {
            guard let session = backend.session else { return "nothing" }
            // One that was kept from before a reset must do nothing, and is compared with that.
            if let late, !model.isActive || random.next() & 3 == 0 {
                if random.next() & 1 == 0 {
                    late.raiseUsedBufferInterrupt(queue: 0)
                } else {
                    late.fail(.device("late"))
                }
                late.configurationChanged()
                return "late"
            }
            guard model.isActive else {
                late = session
                return "kept"
            }
            switch random.next() % 16 {
            case 0:
                session.fail(.device("random"))
                model.breakDown()
            case 1...5:
                session.configurationChanged()
                model.changeConfiguration()
            default:
                let queue = pick([0, 1, 2, 3, 4, -1])
                session.raiseUsedBufferInterrupt(queue: queue)
                model.use(queue: queue)
            }
            return "event"
        }
    }

    @Test(
        "1,000,000 random accesses give what the specification says, each of them",
        arguments: 1...8 as ClosedRange<UInt64>)
    func randomAccesses(seed: UInt64) throws {
        var bench = try Bench(seed: seed)
        for step in 0..<TestScale.count(125_000) {
            guard let difference = bench.step() else { continue }
            Issue.record("seed \(seed), step \(step): \(difference)")
            return
        }
        // A sequence that the first mistake ends would prove little.
        let (count, least) = (bench.line.levels.count, TestScale.count(400))
        #expect(min(count, bench.activations, bench.starts, bench.stops, bench.notifications, bench.faults) > least)
    }
}
