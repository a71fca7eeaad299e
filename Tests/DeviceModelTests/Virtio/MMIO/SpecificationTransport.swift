import DeviceModel

/// A second description of VIRTIO 1.2 §4.2, for one vCPU and a backend that is done at once: written from the text, by what happened
/// since the last reset rather than by what follows from it.
struct SpecificationTransport {
    struct Event {
        var first: Int
        var last: Int
    }

    let deviceID: UInt64
    let offered: UInt64
    let sizes: [UInt64]
    var configuration: [UInt8]
    /// RAM is the addresses below this.
    let memoryEnd: UInt64
    /// What the backend was asked to do.
    var calls: [RecordingBackend.Call] = []
    var isActive = false

    // Since the last reset:
    private var statusWrites: [(value: UInt64, isAcceptable: Bool)] = []
    private(set) var needsReset = false
    private var selectors: [UInt64: UInt64] = [:]
    private var features: [UInt64: UInt64] = [:]
    private var everWantedMore = false
    private var fields: [UInt64: [UInt64: UInt64]] = [:]
    private var ready: Set<UInt64> = []
    private var time = 0
    private var lookedAt = -1
    private var events: [UInt64: Event] = [:]

    init(_ backend: RecordingBackend, memoryEnd: UInt64) {
        deviceID = UInt64(backend.deviceID)
        // Of the bits from 24 to 49 those of §6 that this transport can do: 28, 29 and 35 if the device can, 32 and 40 always.
        let allowed = Array(0...23) + Array(50...63) + [28, 29, 35]
        offered = allowed.reduce(1 << 32 | 1 << 40) { $0 | backend.features.rawValue & (1 << UInt64($1)) }
        sizes = backend.queueSizes.map(UInt64.init)
        configuration = backend.configuration.bytes
        self.memoryEnd = memoryEnd
    }

    // MARK: Status

    private var wanted: UInt64 { (features[0] ?? 0) | (features[1] ?? 0) << 32 }
    private var isAcceptable: Bool { wanted & ~offered == 0 && wanted >> 32 & 1 == 1 && !everWantedMore }

    /// Where in the history a step was taken: bits 8 and 4 only before the driver gave up.
    private var gaveUpAt: Int? { statusWrites.firstIndex { $0.value & 128 != 0 } }
    private var agreedAt: Int? {
        statusWrites[..<(gaveUpAt ?? statusWrites.count)].firstIndex { $0.value & 8 != 0 && $0.isAcceptable }
    }
    private var liveAt: Int? {
        guard let agreedAt else { return nil }
        return statusWrites[agreedAt..<(gaveUpAt ?? statusWrites.count)].firstIndex { $0.value & 4 != 0 }
    }

    var status: UInt64 {
        (statusWrites.contains { $0.value & 1 != 0 } ? 1 : 0) | (statusWrites.contains { $0.value & 2 != 0 } ? 2 : 0)
            | (liveAt != nil ? 4 : 0) | (agreedAt != nil ? 8 : 0) | (needsReset ? 64 : 0) | (gaveUpAt != nil ? 128 : 0)
    }

    private var isSound: Bool { gaveUpAt == nil && !needsReset }

    // MARK: Interrupts

    var interruptStatus: UInt64 { events.keys.reduce(0, |) }

    mutating func happen(_ bit: UInt64) {
        time += 1
        events[bit] = Event(first: events[bit]?.first ?? time, last: time)
    }

    private mutating func acknowledge(_ value: UInt64) {
        for bit in [1, 2] as [UInt64] where value & bit != 0 {
            guard let event = events[bit] else { continue }
            let wasSeen = event.first < lookedAt
            let isNewer = event.last > lookedAt
            events[bit] = wasSeen && isNewer ? Event(first: event.last, last: event.last) : nil
        }
    }

    // MARK: The device

    mutating func use(queue: Int) {
        if isActive, queue >= 0, ready.contains(UInt64(queue)) { happen(1) }
    }

    mutating func changeConfiguration() {
        if liveAt != nil { happen(2) }
    }

    mutating func breakDown() {
        guard !needsReset else { return }
        needsReset = true
        if liveAt != nil { happen(2) }
    }

    // MARK: Accesses

    private var queue: UInt64 { selectors[0x30] ?? 0 }
    private func exists(_ queue: UInt64) -> Bool { queue < sizes.count && sizes[Int(queue)] > 0 }

    mutating func read(_ offset: UInt64, _ width: Int) -> UInt64 {
        if offset >= 0x100 {
            guard [1, 2, 4, 8].contains(width), offset < 0x1000, offset + UInt64(width) <= 0x1000 else { return 0 }
            return (0..<width).reduce(0) { value, index in
                let place = Int(offset) - 0x100 + index
                return value | (place < configuration.count ? UInt64(configuration[place]) << UInt64(8 * index) : 0)
            }
        }
        guard width == 4 else { return 0 }
        switch offset {
        case 0x00: return 0x7472_6976
        case 0x04: return 2
        case 0x08: return deviceID
        case 0x0C: return 0x4D4D_5653
        case 0x10: return (selectors[0x14] ?? 0) < 2 ? offered >> (32 * (selectors[0x14] ?? 0)) & 0xFFFF_FFFF : 0
        case 0x34: return exists(queue) ? sizes[Int(queue)] : 0
        case 0x44: return ready.contains(queue) ? 1 : 0
        case 0x60:
            time += 1
            lookedAt = time
            return interruptStatus
        case 0x70: return status
        case 0xB0, 0xB4, 0xB8, 0xBC: return 0xFFFF_FFFF
        default: return 0
        }
    }

    mutating func write(_ offset: UInt64, _ width: Int, _ value: UInt64) {
        if offset >= 0x100 {
            guard [1, 2, 4, 8].contains(width), offset < 0x1000, agreedAt != nil,
                Int(offset) - 0x100 + width <= configuration.count
            else { return }
            calls.append(.write(offset: Int(offset) - 0x100, width: width, value: value))
            return
        }
        guard width == 4 else { return }
        switch offset {
        case 0x14, 0x24, 0x30: selectors[offset] = value
        case 0x20:
            guard agreedAt == nil else { return }
            features[selectors[0x24] ?? 0] = value
            if (selectors[0x24] ?? 0) >= 2, value > 0 { everWantedMore = true }
        case 0x38, 0x80, 0x84, 0x90, 0x94, 0xA0, 0xA4:
            if exists(queue), !ready.contains(queue) { fields[queue, default: [:]][offset] = value }
        case 0x44: writeReady(value)
        case 0x50:
            if isActive, isSound, ready.contains(value) { calls.append(.notify(Int(value))) }
        case 0x64: acknowledge(value)
        case 0x70: writeStatus(value)
        case 0xC0:
            guard agreedAt != nil, wanted >> 40 & 1 == 1, value == 1, exists(queue) else { return }
            if ready.remove(queue) != nil, isActive { calls.append(.stop(Int(queue))) }
            fields[queue] = nil
        default: break
        }
    }

    private mutating func writeStatus(_ value: UInt64) {
        guard value != 0 else { return reset() }
        let wasLive = liveAt != nil
        statusWrites.append((value, isAcceptable))
        guard !wasLive, liveAt != nil else { return }
        if needsReset {
            happen(2)
            return
        }
        isActive = true
        calls.append(.activate(features: wanted))
        for queue in ready.sorted() { calls.append(.start(Int(queue), layout(queue), features: wanted)) }
    }

    private mutating func reset() {
        if isActive { calls += ready.sorted().map { .stop(Int($0)) } }
        calls.append(.reset)
        var new = self
        new.isActive = false
        (new.statusWrites, new.needsReset, new.selectors, new.features) = ([], false, [:], [:])
        (new.everWantedMore, new.fields, new.ready, new.events) = (false, [:], [], [:])
        self = new
    }

    private mutating func writeReady(_ value: UInt64) {
        if value == 0, ready.remove(queue) != nil, isActive { calls.append(.stop(Int(queue))) }
        guard value == 1, exists(queue), !ready.contains(queue), agreedAt != nil, isSound else { return }
        guard isPossible(layout(queue), maximum: sizes[Int(queue)]) else { return breakDown() }
        ready.insert(queue)
        if isActive { calls.append(.start(Int(queue), layout(queue), features: wanted)) }
    }

    private func layout(_ queue: UInt64) -> VirtqueueLayout {
        func address(_ low: UInt64) -> GuestAddress {
            GuestAddress((fields[queue]?[low] ?? 0) | (fields[queue]?[low + 4] ?? 0) << 32)
        }
        return VirtqueueLayout(
            size: UInt32(fields[queue]?[0x38] ?? 0), descriptorTable: address(0x80), availableRing: address(0x90),
            usedRing: address(0xA0))
    }

    /// VIRTIO 1.2 §2.7, with sizes in 128 bits so that nothing wraps.
    private func isPossible(_ layout: VirtqueueLayout, maximum: UInt64) -> Bool {
        let size = UInt64(layout.size)
        let parts: [(UInt64, UInt64, UInt64)] = [
            (layout.descriptorTable.rawValue, 16, 16 * size), (layout.availableRing.rawValue, 2, 6 + 2 * size),
            (layout.usedRing.rawValue, 4, 6 + 8 * size),
        ]
        return size <= maximum && (0...15).contains { 1 << $0 == size }
            && parts.allSatisfy { $0 % $1 == 0 && UInt128($0) + UInt128($2) <= UInt128(memoryEnd) }
    }
}
