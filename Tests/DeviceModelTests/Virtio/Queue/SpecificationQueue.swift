import DeviceModel
import VirtioDriver

/// What VIRTIO 1.2 §2.7 says of a queue, a second time: with counts since the beginning that never wrap, lists that are searched,
/// and the used ring as a list.
struct SpecificationQueue: Equatable {
    /// What the device does.
    enum Operation: Equatable {
        case availableCount
        case nextChain
        case addUsed(head: UInt16, written: UInt32)
        case publish
        case suppressNotifications
        case enableNotifications
    }

    /// What comes of it.
    enum Outcome: Equatable {
        case done
        case count(UInt16)
        case answer(Bool)
        case chain(SpecificationChain)
        case nothing
        case error(VirtqueueError)
    }

    let size: Int
    let hasEventIndex: Bool
    /// The number of chains taken, given back, and given back to the driver's knowledge, since the beginning.
    var taken: Int
    var returned: Int
    var published: Int
    /// How many chains the device knows to be offered that it has not taken. It need not look again before it takes them.
    var known = 0
    /// What the driver wrote.
    var availableIndex: UInt16 = 0
    var availableFlags: UInt16 = 0
    var usedEvent: UInt16 = 0
    var heads: [UInt16]
    /// What the device wrote, with what was there before.
    var usedFlags: UInt16
    var usedIndex: UInt16
    var used: [MockDriver.Used]
    var availableEvent: UInt16
    var fault: VirtqueueError?

    init(size: Int, hasEventIndex: Bool, count: Int) {
        self.size = size
        self.hasEventIndex = hasEventIndex
        (taken, returned, published) = (count, count, count)
        heads = (0..<size).map { UInt16(($0 * 3 + 1) % size) }
        usedFlags = 0xEEEE
        usedIndex = Self.index(count)
        used = (0..<size).map { MockDriver.Used(head: 0xEEEE_0000 + UInt32($0), written: 0xEEEE_EEEE) }
        availableEvent = 0xEEEE
    }

    static func index(_ count: Int) -> UInt16 {
        UInt16(count % 65_536)
    }

    /// Looks how many chains the driver offers, if its index means any number: no fewer than it did, and with those under way no
    /// more than there are entries.
    private mutating func look() -> Int? {
        let room = size - (taken - published)
        let offered = Array(0...size).first { $0 >= known && $0 <= room && Self.index(taken + $0) == availableIndex }
        known = offered ?? known
        return offered
    }

    mutating func perform(_ operation: Operation, _ chain: (UInt16) -> Result<SpecificationChain, VirtqueueError>)
        -> Outcome
    {
        if let fault { return .error(fault) }
        let outcome = performWhole(operation, chain)
        if case .error(let error) = outcome { fault = error }
        return outcome
    }

    private mutating func performWhole(
        _ operation: Operation, _ chain: (UInt16) -> Result<SpecificationChain, VirtqueueError>
    ) -> Outcome {
        let outOfReach = VirtqueueError.availableIndex(
            availableIndex, taken: Self.index(taken), inFlight: UInt16(taken - published))
        switch operation {
        case .availableCount:
            guard let offered = look() else { return .error(outOfReach) }
            return .count(UInt16(offered))
        case .nextChain:
            if known == 0, look() == nil { return .error(outOfReach) }
            if known == 0 { return .nothing }
            switch chain(heads[taken % size]) {
            case .failure(let error): return .error(error)
            case .success(let chain):
                taken += 1
                known -= 1
                return .chain(chain)
            }
        case .addUsed(let head, let written):
            if returned == taken { return .error(.notInFlight(head: head)) }
            used[returned % size] = MockDriver.Used(head: UInt32(head), written: written)
            returned += 1
            return .done
        case .publish:
            let batch = published..<returned
            published = returned
            if batch.isEmpty { return .answer(false) }
            usedIndex = Self.index(published)
            // "If the idx field in the used ring (which determined where that descriptor index was placed) was equal to
            // used_event, the device MUST send a notification", §2.7.7.2.
            let wanted = hasEventIndex ? batch.contains { Self.index($0) == usedEvent } : availableFlags % 2 == 0
            return .answer(wanted)
        case .suppressNotifications:
            if !hasEventIndex { usedFlags = 1 }
            return .done
        case .enableNotifications:
            if hasEventIndex { availableEvent = Self.index(taken) } else { usedFlags = 0 }
            guard let offered = look() else { return .error(outOfReach) }
            return .answer(offered > 0)
        }
    }

    /// Both rings as they stand in memory, the available ring first and without padding behind it.
    var words: (available: [UInt16], used: [UInt16]) {
        var usedWords = [usedFlags, usedIndex]
        for element in used {
            usedWords.append(UInt16(truncatingIfNeeded: element.head))
            usedWords.append(UInt16(truncatingIfNeeded: element.head >> 16))
            usedWords.append(UInt16(truncatingIfNeeded: element.written))
            usedWords.append(UInt16(truncatingIfNeeded: element.written >> 16))
        }
        return ([availableFlags, availableIndex] + heads + [usedEvent], usedWords + [availableEvent])
    }
}
