import DeviceModel

/// Where an image without program headers is loaded, by its Multiboot header (Multiboot Specification 0.6.96, section 3.1.3, and
/// Multiboot2 Specification 2.0, section 3.1.6). Guest-physical, and from an untrusted file.
public struct MultibootAddresses: Equatable, Sendable {
    /// Of the header itself, by which the others are places in the file.
    public let header: UInt32
    /// Of the first byte that is loaded.
    public let load: UInt32
    /// Behind the last one; 0 for the file's end.
    public let loadEnd: UInt32
    /// Behind the zeros that follow; 0 for none.
    public let bssEnd: UInt32
    /// Of the first instruction; nil where another part of the header says it.
    public let entry: UInt32?

    /// What is loaded, checked against the file.
    ///
    /// - Parameter headerOffset: of the header in the file, which is longer than that.
    func piece(headerOffset: Int, imageSize: UInt64) throws(ImageError) -> BootPlan.Piece {
        let (distance, isBelow) = header.subtractingReportingOverflow(load)
        guard !isBelow else { throw .multiboot(.address("load_addr", load, "above header_addr")) }
        guard UInt64(distance) <= UInt64(headerOffset) else {
            throw .multiboot(.address("load_addr", load, "before the file's first byte"))
        }
        let fileOffset = UInt64(headerOffset) &- UInt64(distance)
        let rest = imageSize &- fileOffset
        var fileSize = rest
        if loadEnd != 0 {
            guard loadEnd > load else { throw .multiboot(.address("load_end_addr", loadEnd, "not above load_addr")) }
            fileSize = UInt64(loadEnd &- load)
            guard fileSize <= rest else { throw .truncated("Multiboot image") }
        }
        var memorySize = fileSize
        if bssEnd != 0 {
            guard bssEnd >= load, UInt64(bssEnd &- load) >= fileSize else {
                throw .multiboot(.address("bss_end_addr", bssEnd, "inside what is loaded"))
            }
            memorySize = UInt64(bssEnd &- load)
        }
        return BootPlan.Piece(
            name: "Multiboot image", fileOffset: fileOffset, fileSize: fileSize, address: UInt64(load),
            memorySize: memorySize)
    }
}
