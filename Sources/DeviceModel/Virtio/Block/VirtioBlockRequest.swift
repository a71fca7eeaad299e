/// What a driver asks of a virtio block device (VIRTIO 1.2 §5.2.6), decoded once from a descriptor chain.
///
/// A request is `le32 type; le32 reserved; le64 sector; u8 data[]; u8 status`, and a device must not care how those bytes are divided
/// among descriptors (§2.7.4.1). So the header is the first 16 bytes to read, the status the last byte to write, and the data what is
/// left on the side that the operation needs. What is left on the other side is no part of the request and stays as it is: no rule
/// has an answer to it, and QEMU passes over it too.
package struct VirtioBlockRequest: Hashable, Sendable {
    /// How long the header is, in bytes.
    package static let headerByteCount: UInt64 = 16

    package let operation: VirtioBlockOperation
    /// Where a read or a write begins, in 512-byte sectors, as the driver says it; nothing is checked. Other operations do not use it.
    package let sector: UInt64
    /// The bytes that a write takes from, or that a read or the identifier goes to, in their order: none of the header and not the
    /// status. Empty for other operations, whatever the chain has.
    package private(set) var data: ArraySlice<GuestSegment>
    /// How many bytes ``data`` has, less than 2³².
    package let dataByteCount: UInt64
    /// Where the status goes.
    package let statusAddress: GuestAddress
    /// How many bytes the device may write ahead of the status.
    private let bytesBeforeStatus: UInt64

    /// Reads the header, once, and finds the rest. The reserved field is not looked at.
    ///
    /// - Throws: ``VirtioBlockRequestError`` for a chain that is no request. QEMU and this device then want a reset: with no header
    ///   nobody knows what was asked, and with no status nobody can be told.
    package init(_ chain: DescriptorChain, in memory: GuestMemory) throws(VirtioBlockRequestError) {
        guard chain.readableByteCount >= Self.headerByteCount else {
            throw .header(head: chain.head, byteCount: chain.readableByteCount)
        }
        guard chain.writableByteCount > 0, let last = chain.writable.last else { throw .noStatus(head: chain.head) }
        let header: (low: UInt64, high: UInt64)
        do throws(GuestMemoryError) {
            header = try Self.header(chain.readable, in: memory)
        } catch {
            throw .headerNotInMemory(head: chain.head, error)
        }
        operation = VirtioBlockOperation(type: UInt32(truncatingIfNeeded: header.low))
        sector = header.high
        // A buffer lies in RAM, so this does not wrap; the gate looks again at what it is used for.
        statusAddress = GuestAddress(last.address.rawValue &+ UInt64(last.count) &- 1)
        bytesBeforeStatus = chain.writableByteCount &- 1
        switch operation {
        case .read, .getID:
            data = chain.writable
            dataByteCount = bytesBeforeStatus
            data.removeLastByte()
        case .write:
            data = chain.readable
            dataByteCount = chain.readableByteCount &- Self.headerByteCount
            data.removeFirstBytes(Self.headerByteCount)
        case .flush, .unsupported:
            data = []
            dataByteCount = 0
        }
    }

    /// Where a read or a write begins, in bytes. It is right for what a disk has not refused (``VirtioBlockDisk/refusal(of:)``), as
    /// no file has 2⁵⁵ sectors.
    package var byteOffset: UInt64 { sector &<< 9 }

    /// What to give ``Virtqueue/addUsed(_:written:)`` once the status is written.
    ///
    /// The number is of bytes that were written from the first writable one on (VIRTIO 1.2 §2.7.8.2), and a driver may take all of them
    /// for the device's. So the status counts only where it comes right behind the data: a read of which a part failed counts that
    /// part, a read that was refused counts nothing.
    ///
    /// - Parameter dataBytes: how many bytes from the first of ``data`` on were filled in; 0 for a write.
    package func writtenCount(dataBytes: UInt64) -> UInt32 {
        UInt32(clamping: dataBytes >= bytesBeforeStatus ? bytesBeforeStatus &+ 1 : dataBytes)
    }

    /// Copies bytes to where a read goes, as many as there is room for.
    ///
    /// - Returns: how many.
    package func fill(with bytes: [UInt8], in memory: GuestMemory) throws(GuestMemoryError) -> UInt64 {
        var rest = bytes[...]
        for segment in data where !rest.isEmpty {
            let part = rest.prefix(Int(truncatingIfNeeded: segment.count))
            try memory.write(part.span, at: segment.address)
            rest = rest.dropFirst(part.count)
        }
        return UInt64(bytes.count &- rest.count)
    }

    /// The first 16 bytes of so many at least.
    private static func header(
        _ readable: ArraySlice<GuestSegment>, in memory: GuestMemory
    ) throws(GuestMemoryError) -> (low: UInt64, high: UInt64) {
        if let first = readable.first, first.count >= headerByteCount {
            return try memory.loadPairOnce(at: first.address)
        }
        var bytes: [UInt8] = []
        for segment in readable where bytes.count < headerByteCount {
            let missing = headerByteCount &- UInt64(bytes.count)
            for offset in 0..<min(UInt64(segment.count), missing) {
                bytes.append(try memory.load(UInt8.self, at: GuestAddress(segment.address.rawValue &+ offset)))
            }
        }
        let low = bytes.loadLittleEndian(UInt64.self, at: 0) ?? 0
        return (low, bytes.loadLittleEndian(UInt64.self, at: 8) ?? 0)
    }
}

/// What can be asked of a virtio block device (VIRTIO 1.2 §5.2.6).
package enum VirtioBlockOperation: Hashable, Sendable {
    /// VIRTIO_BLK_T_IN.
    case read
    /// VIRTIO_BLK_T_OUT.
    case write
    /// VIRTIO_BLK_T_FLUSH: what was written and given back before is on storage that lasts when this is given back.
    case flush
    /// VIRTIO_BLK_T_GET_ID.
    case getID
    /// Another type, with its number. That of a legacy barrier, with the highest bit set, is one too.
    case unsupported(UInt32)

    /// Any number is a type.
    package init(type: UInt32) {
        self =
            switch type {
            case 0: .read
            case 1: .write
            case 4: .flush
            case 8: .getID
            default: .unsupported(type)
            }
    }
}

/// Why a chain is no request to a virtio block device. A device answers with DEVICE_NEEDS_RESET (VIRTIO 1.2 §2.1.2).
package enum VirtioBlockRequestError: Error, Hashable, CustomStringConvertible {
    /// There are fewer than 16 bytes to read.
    case header(head: UInt16, byteCount: UInt64)
    /// There is no byte to write.
    case noStatus(head: UInt16)
    /// The header cannot be read, though the buffers of a chain from a queue are in RAM.
    case headerNotInMemory(head: UInt16, GuestMemoryError)

    /// The error in words.
    package var description: String {
        switch self {
        case .header(let head, let count):
            "the chain at \(head) has \(count) bytes to read, and a block request begins with 16 (VIRTIO 1.2 §5.2.6)"
        case .noStatus(let head):
            "the chain at \(head) has no byte to write, where a block request has its status (VIRTIO 1.2 §5.2.6)"
        case .headerNotInMemory(let head, let error):
            "the header of the block request at \(head) cannot be read: \(error)"
        }
    }
}

extension ArraySlice<GuestSegment> {
    /// Takes bytes away from the front; none is left where there are no more.
    fileprivate mutating func removeFirstBytes(_ count: UInt64) {
        var left = count
        while left > 0, let first {
            let size = UInt64(first.count)
            self = dropFirst()
            guard size <= left else {
                let address = GuestAddress(first.address.rawValue &+ left)
                self = [GuestSegment(address: address, count: UInt32(truncatingIfNeeded: size &- left))] + self
                return
            }
            left &-= size
        }
    }

    /// Takes the last byte away.
    fileprivate mutating func removeLastByte() {
        guard let last else { return }
        self = dropLast()
        if last.count > 1 { append(GuestSegment(address: last.address, count: last.count &- 1)) }
    }
}
