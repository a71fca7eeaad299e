/// A guest's request block, copied once (docs/hypercall.md): 24 bytes at any address in RAM, numbers with the lowest byte first.
struct HypercallRequest: Equatable {
    static let size: UInt64 = 24
    static let statusOffset: UInt64 = 4
    static let lengthOffset: UInt64 = 16

    var operation: UInt32
    /// Guest-physical, of the buffer.
    var address: GuestAddress
    /// In bytes; for some operations another number.
    var length: UInt64

    /// - Throws: where the block does not lie in RAM.
    init(at address: GuestAddress, in memory: GuestMemory) throws(GuestMemoryError) {
        var bytes = [UInt8](repeating: 0, count: Int(Self.size))
        var span = bytes.mutableSpan
        try memory.read(at: address, into: &span)
        operation = bytes.loadLittleEndian(UInt32.self, at: 0) ?? 0
        self.address = GuestAddress(bytes.loadLittleEndian(UInt64.self, at: 8) ?? 0)
        length = bytes.loadLittleEndian(UInt64.self, at: 16) ?? 0
    }
}

/// What a guest can ask of the hypercall doorbell (docs/hypercall.md). The raw value is the number in the request block.
public enum HypercallOperation: UInt32, CaseIterable, Sendable {
    /// Tells the version, which says which operations there are.
    case discover = 0
    /// Prints a buffer.
    case write = 1
    /// Fills a buffer with input that has come, without waiting.
    case read = 2
    /// Sleeps until there is input or an interrupt, or for a time.
    case wait = 3
    /// Ends the run.
    case exit = 4
}

/// What the hypercall doorbell answers (docs/hypercall.md). The raw value is the number in the request block.
public enum HypercallStatus: UInt32, CaseIterable, Sendable {
    case done = 0
    case unknownOperation = 1
    /// The buffer is not, or not as a whole, in one stretch of RAM. Nothing was printed or taken.
    case badBuffer = 2
}

/// A guest that sleeps by hypercall. Whoever runs its vCPU waits for it, and then answers.
public struct HypercallWait: Equatable, Sendable {
    let request: GuestAddress
    /// How long at most; `UInt64.max` for as long as it takes.
    public let nanoseconds: UInt64

    /// Answers a sleep that is over.
    ///
    /// - Parameters:
    ///   - memory: where the request is.
    ///   - hasInput: whether there is something to read.
    ///   - hasInterrupt: whether a device interrupts.
    public func finish(in memory: GuestMemory, hasInput: Bool, hasInterrupt: Bool) {
        HypercallRequest.answer(memory, request, .done, length: (hasInput ? 1 : 0) | (hasInterrupt ? 2 : 0))
    }
}

extension HypercallRequest {
    /// The status last: another vCPU may wait for it.
    static func answer(_ memory: GuestMemory, _ request: GuestAddress, _ status: HypercallStatus, length: UInt64) {
        // The block was in RAM when it was read, and RAM stays where it is.
        guard let lengthAddress = request.adding(lengthOffset), let statusAddress = request.adding(statusOffset)
        else { return }
        try? memory.store(length, at: lengthAddress)
        try? memory.store(status.rawValue, at: statusAddress)
    }
}
