import TestSupport
import VMM

/// A guest that means harm, made up from a number: 32-bit code in protected mode that accesses ports and devices' registers, brings virtio
/// devices up and gives them rings of any content, and changes what the processor goes by.
public struct HostileGuest {
    /// Where rings and buffers lie mostly: guest-physical.
    private static let memory: UInt32 = 0x20_0000
    /// Of virtio devices, and of one that is not there.
    private static let windows = (0..<4).map { 0xD000_0000 + UInt32($0) * 0x1000 }

    private var random: SplitMix64
    private var code: [UInt8] = []
    /// Where instructions begin, to jump to.
    private var starts: [Int] = []
    /// The queue that was given to a device last: the device's registers, its number, and where it lies.
    private var queue = (window: windows[0], number: UInt32(0), address: memory)

    /// - Parameter seed: the same guest comes of the same number.
    public init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        // Most are at a device before anything else ends them.
        if Int.random(in: 0..<4, using: &random) > 0 { addBringUp() }
        for _ in 0..<Int.random(in: 4...60, using: &random) {
            starts.append(code.count)
            addOperation()
        }
        // On and on, or to its end.
        code +=
            Bool.random(using: &random) ? [0xE9] + Self.bytes(UInt32(truncatingIfNeeded: -(code.count + 5))) : [0xF4]
    }

    /// A machine for it, with a device of each kind.
    ///
    /// - Parameter disk: a file that may be spoiled.
    public func configuration(disk: String, timeout: Duration) -> MachineConfiguration {
        var random = random
        var configuration = MachineConfiguration(image: .bytes(code), output: .discarding())
        configuration.format = .flat
        configuration.mode = .protected
        configuration.memorySize = 4 << 20
        configuration.timeout = timeout
        configuration.interruptControllers = [.auto, .none, .split, .full].randomElement(using: &random) ?? .auto
        if configuration.interruptControllers != .none {
            configuration.vcpuCount = Int.random(in: 1...2, using: &random)
        }
        configuration.usesEventFDs = Bool.random(using: &random)
        configuration.devices = [
            .uart(UARTConfiguration(output: .discarding(), input: ConsoleInput([1, 2, 3]))),
            .uart(UARTConfiguration(port: .com2, output: .discarding())),
            .virtioConsole(
                VirtioConsoleConfiguration(
                    output: .discarding(), input: ConsoleInput([4, 5, 6]),
                    ports: [VirtioPortConfiguration(name: "a", input: ConsoleInput([7]))])),
            .disk(DiskConfiguration(path: disk)), .entropy(EntropyConfiguration()),
        ]
        return configuration
    }

    private mutating func addOperation() {
        switch Int.random(in: 0..<24, using: &random) {
        case 0..<6: addPortAccess()
        case 6..<10: addRegisterAccess()
        case 10..<13: addBringUp()
        case 13..<17: addRings()
        case 17: addControlRegister()
        case 18: addSystemRegister()
        case 19:
            code +=
                [[0xF4], [0xFB, 0xF4], [0xFA], [0xCD, any()], [0x0F, 0xA2], [0xF3, 0x90]].randomElement(using: &random)
                ?? []
        case 20: code += (0..<Int.random(in: 1...6, using: &random)).map { _ in any() }
        case 21:
            let target = starts.randomElement(using: &random) ?? 0
            code += [0xE9] + Self.bytes(UInt32(truncatingIfNeeded: target - (code.count + 5)))
        default: store(value(), at: Self.memory + value() % 0x1_0000)
        }
    }

    private mutating func any() -> UInt8 { UInt8.random(in: 0...255, using: &random) }

    /// A number that means something, more often than by chance.
    private mutating func value() -> UInt32 {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: 0
        case 1: UInt32.random(in: 1...16, using: &random)
        case 2: .max - UInt32.random(in: 0...16, using: &random)
        case 3: 1 << UInt32.random(in: 0...31, using: &random)
        case 4, 5: Self.memory + UInt32.random(in: 0..<0x1000, using: &random) * 16
        default: UInt32.random(in: 0 ... .max, using: &random)
        }
    }

    // MARK: Ports

    private static let ports: [ClosedRange<UInt16>] = [
        0x20...0x21, 0x40...0x43, 0x60...0x64, 0x70...0x71, 0xA0...0xA1, 0xE9...0xEA, 0x2F8...0x2FF, 0x3C0...0x3DF,
        0x3F8...0x3FF,
        0x4D0...0x4D1, 0x510...0x513, 0x600...0x60B, 0xCF8...0xCFF, 0...0xFFFF,
    ]

    private mutating func addPortAccess() {
        let range = Self.ports.randomElement(using: &random) ?? 0...0
        // mov $port, %edx; mov $value, %eax
        code += [0xBA] + Self.bytes(UInt32(UInt16.random(in: range, using: &random))) + [0xB8] + Self.bytes(value())
        let access: [UInt8] = [0xEC, 0xED, 0xEE, 0xEF, 0x6C, 0x6D, 0x6E, 0x6F]
        let operation = access.randomElement(using: &random) ?? 0xEC
        let prefix: [UInt8] = Bool.random(using: &random) ? [0x66] : []
        guard operation < 0x70 else {
            code += prefix + [operation]
            return
        }
        // A large count takes all the time that the guest has.
        let count = Int.random(in: 0..<16, using: &random) == 0 ? value() : UInt32.random(in: 0...64, using: &random)
        // mov $count, %ecx; mov $address, %esi; mov $address, %edi; rep
        code += [0xB9] + Self.bytes(count) + [0xBE] + Self.bytes(value()) + [0xBF] + Self.bytes(value())
        code += prefix + [0xF3, operation]
    }

    // MARK: Virtio devices

    /// VIRTIO 1.2 section 4.2.2.
    private static let registers: [UInt32] = [
        0x00, 0x14, 0x20, 0x24, 0x30, 0x38, 0x44, 0x50, 0x60, 0x64, 0x70, 0x80, 0x84, 0x90, 0x94, 0xA0, 0xA4, 0xC0,
        0xFC, 0x100, 0x104,
    ]

    private mutating func window() -> UInt32 { Self.windows.randomElement(using: &random) ?? 0 }

    private mutating func addRegisterAccess() {
        let places = [
            window() + (Self.registers.randomElement(using: &random) ?? 0), 0xFEC0_0000, 0xFEC0_0010,
            0xFEE0_0000 + value() % 0x400, value(),
        ]
        let place = places.randomElement(using: &random) ?? 0
        // A load by mov moffs, %eax.
        if Bool.random(using: &random) { store(value(), at: place) } else { code += [0xA1] + Self.bytes(place) }
    }

    /// As a driver does it, but for a value now and then.
    private mutating func addBringUp() {
        queue = (
            window(), [0, 0, 1, 2, 3].randomElement(using: &random) ?? 0,
            Self.memory + UInt32.random(in: 0...7, using: &random) * 0x1000
        )
        let features = Bool.random(using: &random) ? 0 : value()
        let size: UInt32 = 1 << UInt32.random(in: Bool.random(using: &random) ? 3...6 : 0...6, using: &random)
        let steps: [(register: UInt32, value: UInt32)] = [
            (0x70, 0), (0x70, 1), (0x70, 3), (0x24, 1), (0x20, 1), (0x24, 0), (0x20, features), (0x70, 0xB),
            (0x30, queue.number), (0x38, size), (0x80, queue.address), (0x84, 0), (0x90, queue.address + 0x400),
            (0x94, 0),
            (0xA0, queue.address + 0x800), (0xA4, 0), (0x44, 1), (0x70, 0xF),
        ]
        for step in steps {
            let isRight = Int.random(in: 0..<80, using: &random) != 0
            store(isRight ? step.value : value(), at: queue.window + step.register)
        }
        if Bool.random(using: &random) { addRequest() } else { addRings() }
    }

    /// A chain that a disk takes for a request and a console for output or room, but for a value now and then, and a ring of the doorbell.
    private mutating func addRequest() {
        let (header, data, status) = (Self.memory + 0x9000, Self.memory + 0xA000, Self.memory + 0x9100)
        let kind: UInt32 = [0, 1, 4, 8].randomElement(using: &random) ?? 0
        let isWritable: UInt32 = kind == 1 ? 0 : 2
        let size = UInt32.random(in: 1...8, using: &random) * 512
        let steps: [(address: UInt32, value: UInt32)] = [
            (header, kind), (header + 8, UInt32.random(in: 0...16, using: &random)), (header + 12, 0),
            (queue.address, header), (queue.address + 4, 0), (queue.address + 8, 16), (queue.address + 12, 1 << 16 | 1),
            (queue.address + 16, data), (queue.address + 20, 0), (queue.address + 24, size),
            (queue.address + 28, 2 << 16 | 1 | isWritable),
            (queue.address + 32, status), (queue.address + 36, 0), (queue.address + 40, 1), (queue.address + 44, 2),
            (queue.address + 0x400, 1 << 16), (queue.address + 0x404, 0), (queue.window + 0x50, queue.number),
        ]
        for step in steps {
            store(Int.random(in: 0..<80, using: &random) == 0 ? value() : step.value, at: step.address)
        }
    }

    /// Descriptors, the ring of those on offer, and a ring of the doorbell, for the last queue as a rule.
    private mutating func addRings() {
        let isOther = Int.random(in: 0..<8, using: &random) == 0
        let place = isOther ? Self.memory + UInt32.random(in: 0...7, using: &random) * 0x1000 : queue.address
        // What a disk takes for the header of a request, where a chain begins with it.
        let header = Self.memory + 0x9000
        store([0, 1, 4, 8, value()].randomElement(using: &random) ?? 0, at: header)
        store(Bool.random(using: &random) ? UInt32.random(in: 0...16, using: &random) : value(), at: header + 8)
        for index in 0..<UInt32.random(in: 1...8, using: &random) {
            let descriptor = place + index * 16
            let isHeader = index == 0 && Bool.random(using: &random)
            let isLast = index > 0 && Bool.random(using: &random)
            let next =
                Int.random(in: 0..<16, using: &random) == 0 ? UInt32.random(in: 0...8, using: &random) : index + 1
            let isWritable = Bool.random(using: &random)
            let flags =
                (isLast ? 0 : 1) | (isHeader ? 0 : isWritable ? 2 : UInt32.random(in: 0...7, using: &random) & 6)
            let buffer = Int.random(in: 0..<4, using: &random) == 0 ? value() : Self.memory + 0xA000
            store(isHeader ? header : buffer, at: descriptor)
            store(Int.random(in: 0..<16, using: &random) == 0 ? value() : 0, at: descriptor + 4)
            store(
                isHeader
                    ? 16 : Bool.random(using: &random) ? UInt32.random(in: 0...8, using: &random) * 512 + 1 : value(),
                at: descriptor + 8)
            store(flags | next << 16, at: descriptor + 12)
        }
        let offered = Bool.random(using: &random) ? 1 : UInt32.random(in: 0...16, using: &random)
        store(offered << 16, at: place + 0x400)
        for index in 0..<UInt32.random(in: 1...8, using: &random) {
            let heads = [0, 0, UInt32.random(in: 0...8, using: &random)]
            store((heads.randomElement(using: &random) ?? 0) * 0x1_0001, at: place + 0x404 + index * 4)
        }
        store(isOther ? UInt32.random(in: 0...5, using: &random) : queue.number, at: queue.window + 0x50)
    }

    // MARK: The processor

    private mutating func addControlRegister() {
        // mov $value, %eax; mov %eax, %cr0, %cr3 or %cr4
        code += [0xB8] + Self.bytes(value()) + [0x0F, 0x22, [0xC0, 0xD8, 0xE0].randomElement(using: &random) ?? 0xC0]
    }

    private mutating func addSystemRegister() {
        switch Int.random(in: 0...2, using: &random) {
        // lgdt, lidt
        case 0: code += [0x0F, 0x01, 0x15] + Self.bytes(value())
        case 1: code += [0x0F, 0x01, 0x1D] + Self.bytes(value())
        // mov $number, %ecx; mov $value, %eax; mov $value, %edx; wrmsr or rdmsr
        default:
            let numbers: [UInt32] = [0x10, 0x1B, 0xC000_0080, 0x174, 0x277, value()]
            code += [0xB9] + Self.bytes(numbers.randomElement(using: &random) ?? 0) + [0xB8] + Self.bytes(value())
            code += [0xBA] + Self.bytes(value()) + [0x0F, Bool.random(using: &random) ? 0x30 : 0x32]
        }
    }

    // MARK: Bytes

    /// movl $value, address
    private mutating func store(_ value: UInt32, at address: UInt32) {
        code += [0xC7, 0x05] + Self.bytes(address) + Self.bytes(value)
    }

    private static func bytes(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}
