import Synchronization

/// The hypercall doorbell, a device that asks a guest to know that it is one: it puts a request into memory, writes the block's
/// address to the port, and finds the answer in the block (docs/hypercall.md).
///
/// A 32-bit read gives ``signature``, by which a guest finds it. Accesses of another width do nothing. A request can put its vCPU to
/// sleep: then the write gives a ``BusEffect/wait(_:)``, which whoever runs the vCPU carries out and answers.
///
/// Concurrency model: safe from any thread; requests of several vCPUs are independent.
public final class HypercallDoorbell: BusDevice {
    /// "SVM1", the lowest byte first.
    public static let signature: UInt32 = 0x314D_5653
    public static let version: UInt64 = 1
    /// The most that one request prints or reads, in bytes: a guest must not keep its vCPU's thread from being stopped.
    public static let longestTransfer: UInt64 = 65_536

    private let memory: GuestMemory
    private let output: any ByteSink
    private let input: (any ByteSource)?
    private let events: MachineEventLatch
    private let lost = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - memory: where requests and buffers are.
    ///   - output: takes what the guest prints.
    ///   - input: gives what the guest reads; without one nothing ever comes.
    ///   - events: told when the guest ends the run.
    public init(memory: GuestMemory, output: any ByteSink, input: (any ByteSource)?, events: MachineEventLatch) {
        self.memory = memory
        self.output = output
        self.input = input
        self.events = events
    }

    /// How many requests did not lie in RAM, so that no answer could be given.
    public var lostRequestCount: UInt64 { lost.load(ordering: .relaxed) }

    public func read(offset: UInt64, width: Int) -> UInt64 {
        offset == 0 && width == 4 ? UInt64(Self.signature) : .max
    }

    @discardableResult
    public func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect {
        guard offset == 0, width == 4, let wait = ring(at: GuestAddress(value)) else { return .none }
        return .wait(wait)
    }

    /// Carries a request out, and answers it.
    ///
    /// - Returns: nil, or a sleep that is to be waited for and answered.
    public func ring(at address: GuestAddress) -> HypercallWait? {
        guard let request = try? HypercallRequest(at: address, in: memory) else {
            lost.add(1, ordering: .relaxed)
            return nil
        }
        let count = min(request.length, Self.longestTransfer)
        switch HypercallOperation(rawValue: request.operation) {
        case .discover:
            HypercallRequest.answer(memory, address, .done, length: Self.version)
        case .write:
            let printed: Void? = try? memory.withMutableBytes(at: request.address, count: Int(count)) { bytes in
                output.write(bytes.bytes)
            }
            HypercallRequest.answer(
                memory, address, printed == nil ? .badBuffer : .done, length: printed == nil ? 0 : count)
        case .read:
            var taken: UInt64 = 0
            let filled: Void? = try? memory.withMutableBytes(at: request.address, count: Int(count)) { bytes in
                taken = read(into: &bytes)
            }
            HypercallRequest.answer(memory, address, filled == nil ? .badBuffer : .done, length: taken)
        case .wait:
            return HypercallWait(request: address, nanoseconds: request.length)
        case .exit:
            events.signal(.exit(status: UInt8(truncatingIfNeeded: request.length)))
        case nil:
            HypercallRequest.answer(memory, address, .unknownOperation, length: 0)
        }
        return nil
    }

    private func read(into bytes: inout MutableRawSpan) -> UInt64 {
        var taken = 0
        let room = bytes.byteCount
        input?.read(upTo: room) { byte in
            guard taken < room else { return }
            bytes.storeBytes(of: byte, toByteOffset: taken, as: UInt8.self)
            taken &+= 1
        }
        return UInt64(taken)
    }
}
