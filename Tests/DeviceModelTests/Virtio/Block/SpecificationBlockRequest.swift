@testable import DeviceModel

/// What VIRTIO 1.2 §5.2.6 says of a request, a second time: each side of the chain is one line of bytes, and a part of the request is
/// what lies between two places on it. Places and addresses have 128 bits, so nothing wraps.
struct SpecificationBlockRequest: Equatable {
    enum Fault: Error {
        case shortHeader
        case noStatus
        case headerNotInMemory
    }

    /// Buffers as one line of bytes.
    struct Line {
        var segments: [GuestSegment]

        var count: UInt128 { segments.reduce(0) { $0 + UInt128($1.count) } }

        /// What lies between two places.
        func part(from start: UInt128, to end: UInt128) -> [GuestSegment] {
            var (place, part): (UInt128, [GuestSegment]) = (0, [])
            for segment in segments {
                let (low, high) = (max(place, start), min(place + UInt128(segment.count), end))
                if low < high {
                    let address = GuestAddress(segment.address.rawValue + UInt64(low - place))
                    part.append(GuestSegment(address: address, count: UInt32(high - low)))
                }
                place += UInt128(segment.count)
            }
            return part
        }
    }

    var type: UInt32
    var sector: UInt64
    var data: [GuestSegment]
    var status: GuestAddress
    /// How many bytes can be written ahead of the status.
    var beforeStatus: UInt128

    /// - Parameter byte: the byte at an address, nil where there is none.
    init(
        readable: [GuestSegment], writable: [GuestSegment], byte: (UInt64) -> UInt8?
    ) throws(Fault) {
        let (read, written) = (Line(segments: readable), Line(segments: writable))
        guard read.count >= 16 else { throw .shortHeader }
        guard written.count >= 1 else { throw .noStatus }
        var header: [UInt8] = []
        for segment in read.part(from: 0, to: 16) {
            for offset in 0..<segment.count {
                guard let byte = byte(segment.address.rawValue + UInt64(offset)) else { throw .headerNotInMemory }
                header.append(byte)
            }
        }
        type = (0..<4).reduce(0) { $0 + UInt32(header[$1]) << (8 * $1) }
        sector = (0..<8).reduce(0) { $0 + UInt64(header[8 + $1]) << (8 * $1) }
        data =
            switch type {
            case 0, 8: written.part(from: 0, to: written.count - 1)
            case 1: read.part(from: 16, to: read.count)
            default: []
            }
        status = written.part(from: written.count - 1, to: written.count)[0].address
        beforeStatus = written.count - 1
    }

    var count: UInt128 { Line(segments: data).count }

    /// The status byte of a request that is refused, by the text of §5.2.6.1 and §5.2.6.2.
    func refusal(capacity: UInt64, isReadOnly: Bool) -> UInt8? {
        let isOnDisk = UInt128(sector) * 512 + count <= UInt128(capacity) * 512
        switch type {
        case 0: return count % 512 == 0 && isOnDisk ? nil : 1
        case 1: return count % 512 == 0 && isOnDisk && !isReadOnly ? nil : 1
        case 4: return nil
        case 8: return count < 20 ? 1 : nil
        default: return 2
        }
    }

    /// How many bytes were written without a gap when the data has so many from its first on, and then the status (§2.7.8.2).
    func written(data: UInt128) -> UInt128 {
        let parts = [0..<min(data, beforeStatus), beforeStatus..<(beforeStatus + 1)]
        return parts.reduce(0) { $1.lowerBound == $0 ? $1.upperBound : $0 }
    }
}

extension SpecificationBlockRequest.Fault {
    init(_ error: VirtioBlockRequestError) {
        self =
            switch error {
            case .header: .shortHeader
            case .noStatus: .noStatus
            case .headerNotInMemory: .headerNotInMemory
            }
    }
}

extension VirtioBlockOperation {
    /// Its number, whichever way it was read.
    var type: UInt32 {
        switch self {
        case .read: 0
        case .write: 1
        case .flush: 4
        case .getID: 8
        case .unsupported(let type): type
        }
    }
}

extension DescriptorChain {
    /// A chain as a driver never has to make it: of any buffers.
    init(head: UInt16 = 0, readable: [GuestSegment], writable: [GuestSegment]) {
        self.init()
        self.head = head
        for segment in readable { appendReadable(segment) }
        for segment in writable { appendWritable(segment) }
    }
}
