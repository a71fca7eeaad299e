import DeviceModel

/// A place in guest memory as a person gives it.
public enum ImagePlace: Equatable, Sendable {
    /// Guest-physical.
    case address(UInt64)
    /// As real mode has it.
    case segment(UInt16, offset: UInt16)

    /// Guest-physical.
    var address: UInt64 {
        switch self {
        case .address(let address): address
        case .segment(let segment, let offset): UInt64(segment) << 4 + UInt64(offset)
        }
    }

    /// With a segment that begins at a multiple of 64 KiB, as far as real mode reaches.
    fileprivate var segmented: (segment: UInt16, offset: UInt16) {
        switch self {
        case .segment(let segment, let offset): return (segment, offset)
        case .address(let address):
            let segment = min(address & ~0xFFFF, 0xFFFF0)
            return (UInt16(truncatingIfNeeded: segment >> 4), UInt16(truncatingIfNeeded: address &- segment))
        }
    }
}

extension ImagePlace: CustomStringConvertible {
    public var description: String {
        switch self {
        case .address(let address): hex(address)
        case .segment(let segment, let offset):
            "\(String(segment, radix: 16, uppercase: true)):\(String(offset, radix: 16, uppercase: true))"
        }
    }
}

/// Where a flat image is loaded and entered, which it cannot say itself.
public struct FlatPlacement: Equatable, Sendable {
    /// Where its first byte goes; nil for 0x7C00 in real mode, and 0x100000 in others.
    public var load: ImagePlace?
    /// Where its first instruction is; nil for its first byte.
    public var entry: ImagePlace?

    public init(load: ImagePlace? = nil, entry: ImagePlace? = nil) {
        (self.load, self.entry) = (load, entry)
    }

    func loadPlace(_ mode: CPUMode) -> ImagePlace {
        load ?? .address(mode == .real ? LowMemory.realModeImage : LowMemory.flatImage)
    }

    func boot(_ mode: CPUMode) -> BootProtocol {
        let place = entry ?? loadPlace(mode)
        guard mode == .real else { return BootProtocol(mode, entry: place.address) }
        let (segment, offset) = place.segmented
        return .realMode(segment: segment, offset: offset)
    }

    /// What is wrong with it for an image of so many bytes on a machine with so much RAM, but that there is too little of that.
    ///
    /// - Throws: `VMMError.configuration`.
    func check(_ size: UInt64, _ mode: CPUMode, ram: [GuestMemory.Region]) throws(VMMError) {
        for case .segment? in [load, entry] where mode != .real {
            throw .configuration("a segment and an offset are for real mode; give an address for \(mode) mode")
        }
        let start = loadPlace(mode).address
        let (end, wraps) = start.addingReportingOverflow(size)
        if let load {
            guard !wraps, ram.contains(where: { $0.contains(GuestAddress(start), count: 1) }) else {
                throw .configuration(
                    "the load address \(load) is outside RAM, which is \(Self.words(ram)); give another, or give the machine more memory"
                )
            }
            for (name, range) in Self.reserved(mode) where range.overlaps(start..<end) {
                throw .configuration(
                    "the image at \(hex(start))-\(hex(end &- 1)) would lie over the \(name) at \(hex(range.lowerBound))-\(hex(range.upperBound &- 1)); load it elsewhere"
                )
            }
        }
        guard let entry = entry ?? load else { return }
        guard entry.address >= start, entry.address < end else {
            throw .configuration(
                "the entry \(entry) is outside the image, which is at \(hex(start))-\(hex(end &- 1)); give one inside it"
            )
        }
        let reach = mode == .real ? Self.realModeEnd : HighMemory.mappedEnd
        guard entry.address < reach else {
            throw .configuration(
                "the entry \(entry) is above \(hex(reach &- 1)), which is as far as \(mode) mode reaches at first; load the image lower"
            )
        }
    }

    /// Behind the last byte of segment FFFF.
    private static let realModeEnd: UInt64 = 0x10FFF0

    /// What the machine places itself, which an image can be loaded over only where nobody has asked for that place.
    private static func reserved(_ mode: CPUMode) -> [(name: String, range: Range<UInt64>)] {
        guard mode == .real else { return [("machine's own tables", 0..<LowMemory.tablesEnd)] }
        return BootProtocol.realMode(segment: 0, offset: 0).gates.flatMap(\.pieces).map {
            ($0.name, $0.address..<$0.address &+ $0.memorySize)
        }
    }

    private static func words(_ ram: [GuestMemory.Region]) -> String {
        ram.map { "\(hex($0.start.rawValue))-\(hex($0.start.rawValue &+ $0.size &- 1))" }.joined(separator: " and ")
    }
}

extension BootPlan {
    /// For a flat image of so many bytes, wherever RAM is.
    init(flat size: UInt64, mode: CPUMode, _ placement: FlatPlacement = FlatPlacement()) {
        let address = placement.loadPlace(mode).address
        self.init(
            placement.boot(mode),
            pieces: [Piece(name: "contents", fileOffset: 0, fileSize: size, address: address, memorySize: size)])
    }

    /// Itself, when its pieces lie in RAM, each whole.
    func flatChecked(against ram: [GuestMemory.Region]) throws(ImageError) -> BootPlan {
        for piece in pieces {
            let region = ram.first { $0.contains(GuestAddress(piece.address), count: 1) }
            let room = region.map { $0.start.rawValue &+ $0.size &- piece.address } ?? 0
            guard piece.memorySize <= room else { throw .larger(size: piece.memorySize, thanRoom: room) }
        }
        return self
    }
}
