/// What sort of device sits in a slot.
public enum DeviceKind: Equatable, Sendable {
    /// A 16550A.
    case uart
    /// Behind a virtio-mmio transport, by its number (VIRTIO 1.2 §5).
    case virtio(deviceID: UInt32)
    /// A part of the platform that every machine has.
    case platform
    /// An embedder's own.
    case custom
}

/// A stretch of one of the two buses.
public enum IORange: Equatable, Sendable {
    case ports(Range<UInt16>)
    /// Guest-physical.
    case memory(Range<UInt64>)
}

/// Where a device sits, and what a guest must be told of it.
public struct DeviceSlot: Equatable, Sendable {
    /// In reports and messages.
    public let name: String
    public let kind: DeviceKind
    /// Most have one. The device's offsets count from the start of the first.
    public let ranges: [IORange]
    /// Its interrupt line; nil where it has none.
    public let gsi: UInt32?

    init(name: String, kind: DeviceKind = .platform, ranges: [IORange], gsi: UInt32? = nil) {
        self.name = name
        self.kind = kind
        self.ranges = ranges
        self.gsi = gsi
    }
}

/// What a device asks for when its slot is made.
struct SlotRequest {
    enum Place {
        case fixed([IORange], gsi: UInt32?)
        /// A virtio-mmio transport's window and a line.
        case virtio
        /// These ranges, and a line of those that are free.
        case own([IORange], wantsInterrupt: Bool)
    }

    /// Numbered where several devices ask for the same one: `disk0`, `disk1`.
    let name: String
    var isNumbered = false
    let kind: DeviceKind
    let place: Place
}

/// Gives each device a place of its own, in the order in which they ask.
struct SlotAllocator {
    private var freeLines = GSI.free[...]
    private var nextVirtio = HighMemory.firstVirtio
    /// Each name as often as it was asked for; a dictionary's first use would cost every start a search of the runtime
    /// (docs/decisions/0002).
    private var names: [String] = []

    /// - Throws: `VMMError.configuration` where there is no line left.
    mutating func place(_ request: SlotRequest) throws(VMMError) -> DeviceSlot {
        let count = names.count { $0 == request.name }
        names.append(request.name)
        let name = request.isNumbered ? "\(request.name)\(count)" : request.name
        guard request.isNumbered || count == 0 else {
            throw .configuration("two devices are called \(request.name), and a machine has one; leave one out")
        }
        switch request.place {
        case .fixed(let ranges, let gsi): return DeviceSlot(name: name, kind: request.kind, ranges: ranges, gsi: gsi)
        case .virtio:
            let start = nextVirtio
            nextVirtio += VirtioWindow.size
            let gsi = try takeLine(for: name)
            return DeviceSlot(
                name: name, kind: request.kind, ranges: [.memory(start..<start + VirtioWindow.size)], gsi: gsi)
        case .own(let ranges, let wantsInterrupt):
            let gsi = wantsInterrupt ? try takeLine(for: name) : nil
            return DeviceSlot(name: name, kind: request.kind, ranges: ranges, gsi: gsi)
        }
    }

    private mutating func takeLine(for name: String) throws(VMMError) -> UInt32 {
        guard let line = freeLines.popFirst() else {
            throw .configuration(
                "there is no interrupt line left for the device \(name); a machine has \(GSI.free.count) for devices, use fewer"
            )
        }
        return line
    }
}
