import FuzzInput

@testable import DeviceModel

/// A disk, a driver's memory and what must hold for each request.
struct BlockBench {
    private static let start: UInt64 = 0x1000
    private static let byteCount = 8192
    /// Where buffers lie mostly, behind the queue.
    private static let buffers = start + 0x200
    private static let layout = VirtqueueLayout(
        size: 8, descriptorTable: GuestAddress(start), availableRing: GuestAddress(start + 0x80),
        usedRing: GuestAddress(start + 0x100))

    private let memory: GuestMemory
    private let disk: VirtioBlockDisk

    /// Bit 0 says that the disk is read-only, the others how large it is.
    init(shape: UInt64) {
        let block = Block(Self.byteCount)
        do throws(GuestMemoryLayoutError) {
            // SAFETY: `block` owns the bytes, and only this guest memory has them.
            memory = try unsafe GuestMemory(
                regions: [(start: GuestAddress(Self.start), bytes: block.bytes)], owner: block)
        } catch {
            preconditionFailure("\(error)")
        }
        let capacities: [UInt64] = [8, 0, 1, 2, 1 << 54, 1 << 55, .max - 1, .max]
        disk = VirtioBlockDisk(
            capacity: capacities[Int(shape >> 1 & 7)], isReadOnly: shape & 1 != 0, identifier: Array("fuzz".utf8))
    }

    /// With the low bit clear a word somewhere in memory, else a chain: bits 1 to 3 say of how many buffers, bits 4 to 6 how many of
    /// them are to be read, and bit 7 that a header is put into the first.
    func step(_ operation: UInt8, _ input: inout Input) {
        guard operation & 1 != 0 else { return store(input.take(8), Self.start &+ input.take(2) & 0x1FFF) }
        let (count, readable) = (UInt16(operation >> 1 & 7) + 1, UInt16(operation >> 4 & 7))
        for index in 0..<count {
            let kind = input.take(1)
            let address = kind & 1 == 0 ? Self.buffers + input.take(1) * 16 + (kind >> 4) : input.take(8)
            // Few bytes, as many as a header or some sectors have, or any number.
            let bytes: UInt64 =
                switch kind >> 1 & 3 {
                case 0: input.take(1)
                case 1: 16
                case 2: 512 * (input.take(1) & 7)
                default: input.take(4)
                }
            if index == 0, operation & 0x80 != 0 {
                store(input.take(1), address)
                store(kind & 8 == 0 ? input.take(1) : input.take(8), address &+ 8)
            }
            let place = Self.start + 16 * UInt64(index)
            let flags: UInt64 = (index < readable ? 0 : 2) | (index + 1 < count ? 1 : 0)
            store(address, place)
            store(bytes & 0xFFFF_FFFF | flags << 32 | UInt64(index + 1) << 48, place + 8)
        }
        // Head 0 in the first slot, which is the only one on offer.
        store(UInt64(1) << 16, Self.start + 0x80)
        serve()
    }

    /// What a device does with the chain.
    private func serve() {
        var chain = DescriptorChain()
        guard var queue = try? Virtqueue(layout: Self.layout, features: [], memory: memory) else {
            preconditionFailure("no queue")
        }
        guard (try? queue.nextChain(into: &chain)) == true else { return }
        let request: VirtioBlockRequest
        do throws(VirtioBlockRequestError) {
            request = try VirtioBlockRequest(chain, in: memory)
        } catch {
            precondition(!error.description.isEmpty)
            precondition(chain.readableByteCount < 16 || chain.writableByteCount == 0)
            return
        }
        check(request, of: chain)
        let status = disk.refusal(of: request) ?? .done
        let filled = status == .done ? perform(request) : 0
        if request.operation == .write, disk.isReadOnly { precondition(status == .ioError) }
        guard (try? memory.store(status.rawValue, at: request.statusAddress)) != nil else {
            preconditionFailure("no place for the status")
        }
        let written = request.writtenCount(dataBytes: filled)
        precondition(written <= chain.writableByteCount && (written == filled || UInt64(written) == filled + 1))
        guard (try? queue.addUsed(chain, written: written)) != nil else { preconditionFailure("not given back") }
    }

    /// - Returns: how many bytes of data were filled in.
    private func perform(_ request: VirtioBlockRequest) -> UInt64 {
        switch request.operation {
        case .read, .write:
            let end = UInt128(request.sector) * 512 + UInt128(request.dataByteCount)
            precondition(request.dataByteCount % 512 == 0 && end <= UInt128(disk.capacity) * 512)
            precondition(disk.capacity > 1 << 55 || UInt128(request.byteOffset) == UInt128(request.sector) * 512)
            return request.operation == .read ? request.dataByteCount : 0
        case .getID:
            let count = try? request.fill(with: disk.identifier, in: memory)
            precondition(count == 20 && request.dataByteCount >= 20)
            return 20
        case .flush: return 0
        case .unsupported: preconditionFailure("an unsupported request is done")
        }
    }

    /// The data lies in the buffers of the right side, in their order, and is all of them but the header or the status.
    private func check(_ request: VirtioBlockRequest, of chain: DescriptorChain) {
        let (side, rest): (ArraySlice<GuestSegment>, UInt64) =
            switch request.operation {
            case .read, .getID: (chain.writable, chain.writableByteCount - 1)
            case .write: (chain.readable, chain.readableByteCount - 16)
            default: ([], 0)
            }
        precondition(request.dataByteCount == rest)
        precondition(request.data.reduce(0) { $0 + UInt64($1.count) } == rest)
        var buffers = side
        for part in request.data {
            precondition(part.count > 0)
            while let first = buffers.first, !Self.contains(first, part) { buffers = buffers.dropFirst() }
            precondition(buffers.popFirst() != nil)
        }
        let last = chain.writable.last.map { $0.address.rawValue + UInt64($0.count) - 1 }
        precondition(request.statusAddress.rawValue == last)
    }

    private static func contains(_ outer: GuestSegment, _ inner: GuestSegment) -> Bool {
        let (low, high) = (inner.address.rawValue, inner.address.rawValue + UInt64(inner.count))
        return outer.address.rawValue <= low && high <= outer.address.rawValue + UInt64(outer.count)
    }

    private func store(_ value: UInt64, _ address: UInt64) {
        try? memory.store(value, at: GuestAddress(address))
    }

    /// A block of the heap, so that the address sanitizer sees every byte beside it.
    @safe
    private final class Block: @unchecked Sendable {
        // SAFETY: allocated in `init`, freed in `deinit`, changed by nobody in between.
        let bytes: UnsafeMutableRawBufferPointer

        init(_ count: Int) {
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 4096)
            unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
            unsafe self.bytes = bytes
        }

        deinit {
            unsafe bytes.deallocate()
        }
    }
}
