/// A disk as a virtio block device shows it, and which requests it refuses (VIRTIO 1.2 §5.2): a pure value, without what is stored.
package struct VirtioBlockDisk: Hashable, Sendable {
    /// The unit of the protocol in bytes, whatever the block size (VIRTIO 1.2 §5.2.5).
    package static let sectorSize: UInt64 = 512
    /// How long an identifier is, in bytes.
    package static let identifierByteCount = 20

    /// In 512-byte sectors. What does not fill a sector at the end of a file is not on the disk.
    package let capacity: UInt64
    package let isReadOnly: Bool
    /// What VIRTIO_BLK_T_GET_ID gives: 20 bytes, with zeros behind a shorter text and nothing behind a longer one (VIRTIO 1.2 §5.2.6).
    package let identifier: [UInt8]

    /// - Parameters:
    ///   - capacity: in 512-byte sectors, fewer than 2⁵⁵.
    ///   - isReadOnly: whether writes are refused.
    ///   - identifier: ASCII, of which the first 20 bytes are shown.
    package init(capacity: UInt64, isReadOnly: Bool, identifier: [UInt8] = []) {
        self.capacity = capacity
        self.isReadOnly = isReadOnly
        let text = identifier.prefix(Self.identifierByteCount)
        self.identifier = text + [UInt8](repeating: 0, count: Self.identifierByteCount &- text.count)
    }

    /// The status that a request gets without any of it being done, or nil where it is to be done.
    ///
    /// - A read or a write must be of whole sectors within the capacity (§5.2.6.1). One without any data is done, so far as its
    ///   sector is not past the end.
    /// - A write to a disk that is read-only is an error (§5.2.6.2); nothing else is for that reason.
    /// - A flush is done in any case. Its sector must be 0 and it should have no data (§5.2.6.1), but no answer is laid down where
    ///   a driver does otherwise, and one that wants its data safe is better served than refused.
    /// - An identifier must have room for 20 bytes (§5.2.6.1). One that was cut off could be taken for another disk's, so less is an
    ///   error, as in Firecracker. Behind more, what follows stays as it is.
    /// - Whatever else there may be was not offered, and is unsupported.
    package func refusal(of request: VirtioBlockRequest) -> VirtioBlockStatus? {
        switch request.operation {
        case .read: holds(request) ? nil : .ioError
        case .write: !isReadOnly && holds(request) ? nil : .ioError
        case .flush: nil
        case .getID: request.dataByteCount >= UInt64(Self.identifierByteCount) ? nil : .ioError
        case .unsupported: .unsupported
        }
    }

    /// Whether the data is of whole sectors, all of them on the disk. The difference does not wrap once the order is right; the sum
    /// of what a driver chose could.
    private func holds(_ request: VirtioBlockRequest) -> Bool {
        request.dataByteCount & (Self.sectorSize &- 1) == 0 && request.sector <= capacity
            && request.dataByteCount &>> 9 <= capacity &- request.sector
    }

    /// What it offers (VIRTIO 1.2 §5.2.3). A device should always offer to flush (§5.2.5.2).
    package var features: VirtioFeatures {
        isReadOnly
            ? [.blockMaximumSegments, .blockSize, .blockFlush, .blockReadOnly]
            : [.blockMaximumSegments, .blockSize, .blockFlush]
    }

    /// The configuration space (`struct virtio_blk_config`, VIRTIO 1.2 §5.2.4) up to the last field that ``features`` needs: `le64
    /// capacity; le32 size_max; le32 seg_max; le16 cylinders; u8 heads; u8 sectors; le32 blk_size`. The limit of a segment's size and
    /// the geometry are not offered and 0.
    ///
    /// - Parameters:
    ///   - maximumSegments: how many buffers the data of a request may have. A driver that knows no indirect descriptors needs two
    ///     more entries of the queue, for header and status.
    ///   - blockSize: in bytes, the least that the disk reads or writes well. Linux takes a power of two from 512 up to its
    ///     page size, and no disk with another.
    package func configuration(maximumSegments: UInt32, blockSize: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(capacity)
        bytes.appendLittleEndian(UInt32(0))
        bytes.appendLittleEndian(maximumSegments)
        bytes.appendLittleEndian(UInt32(0))
        bytes.appendLittleEndian(blockSize)
        return bytes
    }
}

/// How a request ended (VIRTIO 1.2 §5.2.6). The raw value is the status byte.
package enum VirtioBlockStatus: UInt8, CaseIterable, Sendable {
    /// VIRTIO_BLK_S_OK.
    case done = 0
    /// VIRTIO_BLK_S_IOERR: the device or the driver has made a mistake.
    case ioError = 1
    /// VIRTIO_BLK_S_UNSUPP: the device does not know such requests.
    case unsupported = 2
}

/// What a virtio block device can do (VIRTIO 1.2 §5.2.3).
extension VirtioFeatures {
    /// VIRTIO_BLK_F_SEG_MAX: the configuration has the limit of a request's buffers.
    package static let blockMaximumSegments = VirtioFeatures(rawValue: 1 << 2)
    /// VIRTIO_BLK_F_RO: all writes fail.
    package static let blockReadOnly = VirtioFeatures(rawValue: 1 << 5)
    /// VIRTIO_BLK_F_BLK_SIZE: the configuration has the block size.
    package static let blockSize = VirtioFeatures(rawValue: 1 << 6)
    /// VIRTIO_BLK_F_FLUSH: the driver asks when its data must be safe. With a driver that has not agreed to it, a write must be on
    /// storage that lasts before it is given back, as that driver has no other way (VIRTIO 1.2 §5.2.6.2).
    package static let blockFlush = VirtioFeatures(rawValue: 1 << 9)
}
