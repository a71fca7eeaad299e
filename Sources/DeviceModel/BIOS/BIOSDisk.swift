/// A disk that INT 13h reads and writes, in sectors of 512 bytes.
public protocol BIOSDrive: AnyObject, Sendable {
    var sectorCount: UInt64 { get }

    /// Fills the bytes, whole sectors, with what stands at a sector. The caller keeps to the disk.
    ///
    /// - Returns: false where it cannot be read.
    func read(at sector: UInt64, into bytes: inout MutableRawSpan) -> Bool

    /// - Returns: nil where it is done, else why it is not.
    func write(_ bytes: RawSpan, at sector: UInt64) -> BIOSDiskError?
}

/// What INT 13h says in AH (IBM PC/AT Technical Reference, section 5; Ralf Brown's Interrupt List, table 00234).
public enum BIOSDiskError: UInt8, Sendable {
    case badParameter = 0x01
    case writeProtected = 0x03
    case badSector = 0x0C
    case writeFault = 0xCC
    case notRemovable = 0xB2
}

/// How a disk is divided.
public struct DiskGeometry: Equatable, Sendable {
    public let cylinders: UInt16
    public let heads: UInt16
    /// Of a track; they are counted from 1.
    public let sectors: UInt16

    /// Those that a PC had, by their size in sectors, with the number that INT 13h AH=08h gives them.
    private static let floppies: [(geometry: DiskGeometry, type: UInt8)] = [
        (DiskGeometry(cylinders: 40, heads: 1, sectors: 8), 1), (DiskGeometry(cylinders: 40, heads: 1, sectors: 9), 1),
        (DiskGeometry(cylinders: 40, heads: 2, sectors: 8), 1), (DiskGeometry(cylinders: 40, heads: 2, sectors: 9), 1),
        (DiskGeometry(cylinders: 80, heads: 2, sectors: 9), 3), (DiskGeometry(cylinders: 80, heads: 2, sectors: 15), 2),
        (DiskGeometry(cylinders: 80, heads: 2, sectors: 18), 4),
        (DiskGeometry(cylinders: 80, heads: 2, sectors: 36), 6),
    ]

    init(cylinders: UInt16, heads: UInt16, sectors: UInt16) {
        (self.cylinders, self.heads, self.sectors) = (cylinders, heads, sectors)
    }

    var sectorCount: UInt64 { UInt64(cylinders) &* UInt64(heads) &* UInt64(sectors) }

    /// A floppy's of exactly so many sectors, with its drive's type; nil where there was none.
    public static func floppy(_ sectors: UInt64) -> (geometry: DiskGeometry, type: UInt8)? {
        floppies.first { $0.geometry.sectorCount == sectors }
    }

    /// A hard disk's: tracks of 63 sectors, and as many heads as 1,024 cylinders ask for. A small disk has two cylinders at least, as the
    /// last one is not counted where programs ask.
    public static func hardDisk(_ sectors: UInt64) -> DiskGeometry {
        let tracks = sectors / 63
        let heads: UInt16 = [16, 32, 64, 128].first { tracks / UInt64($0) <= 1024 } ?? 255
        let cylinders = min(1024, max(2, tracks / UInt64(heads)))
        return DiskGeometry(cylinders: UInt16(truncatingIfNeeded: cylinders), heads: heads, sectors: 63)
    }
}

/// INT 13h.
extension BIOS {
    private struct Drive {
        let disk: any BIOSDrive
        let geometry: DiskGeometry
        /// Nil for a hard disk.
        let floppyType: UInt8?
    }

    private enum Result {
        /// With what AH says.
        case done(UInt8)
        case failed(BIOSDiskError)
        case absent
    }

    private enum Access {
        case read, write, verify
    }

    private static let sectorSize: UInt64 = 512

    private func drive(_ number: UInt8) -> Drive? {
        if number < 0x80 {
            guard number == 0, let disk = machine.floppy,
                let (geometry, type) = DiskGeometry.floppy(disk.sectorCount)
            else { return nil }
            return Drive(disk: disk, geometry: geometry, floppyType: type)
        }
        let index = Int(number & 0x7F)
        guard machine.hardDisks.indices.contains(index) else { return nil }
        let disk = machine.hardDisks[index]
        return Drive(disk: disk, geometry: .hardDisk(disk.sectorCount), floppyType: nil)
    }

    mutating func callDisk(_ registers: inout BIOSRegisters) -> BIOSOutcome {
        let place = registers.dl < 0x80 ? BIOSDataArea.floppyStatus : BIOSDataArea.diskStatus
        if registers.ah == 0x01 {
            registers.ah = memory.load(UInt8.self, at: place)
            registers.carry = registers.ah != 0
            return .done
        }
        let drive = drive(registers.dl)
        switch drive.map({ perform(registers.ah, $0, &registers) }) ?? .failed(.badParameter) {
        case .done(let code):
            registers.ah = code
            registers.carry = false
            memory.store(UInt8(0), at: place)
        case .failed(let error):
            registers.ah = error.rawValue
            registers.carry = true
            memory.store(error.rawValue, at: place)
        case .absent: return .absent
        }
        return .done
    }

    private func perform(_ function: UInt8, _ drive: Drive, _ registers: inout BIOSRegisters) -> Result {
        let isFloppy = drive.floppyType != nil
        switch function {
        case 0x02: return basic(.read, drive, &registers)
        case 0x03: return basic(.write, drive, &registers)
        case 0x04: return basic(.verify, drive, &registers)
        case 0x08: return tellParameters(drive, &registers)
        case 0x15: return tellType(drive, &registers)
        // Whether the disk was changed: it cannot be.
        case 0x16: return isFloppy ? .done(0) : .failed(.badParameter)
        // Reset, and what moves heads: there is nothing to do.
        case 0x00, 0x09, 0x0C, 0x0D, 0x10, 0x11, 0x14: return .done(0)
        // Formatting.
        case 0x05...0x07, 0x17, 0x18: return .absent
        // The extensions are for hard disks.
        case 0x41...0x4E where isFloppy: return .failed(.badParameter)
        case 0x41:
            guard registers.bx == 0x55AA else { return .failed(.badParameter) }
            registers.bx = 0xAA55
            // Extended access, what removable disks have, and what AH=48h tells.
            registers.cx = 0x0007
            return .done(0x30)
        case 0x42: return extended(.read, drive, registers)
        case 0x43: return extended(.write, drive, registers)
        case 0x44, 0x47: return extended(.verify, drive, registers)
        // Locked or changed it cannot be.
        case 0x45, 0x49: return .done(0)
        case 0x46: return .failed(.notRemovable)
        case 0x48: return tellExtendedParameters(drive, registers)
        default: return .failed(.badParameter)
        }
    }

    /// By cylinder, head and sector.
    private func basic(_ access: Access, _ drive: Drive, _ registers: inout BIOSRegisters) -> Result {
        let cylinder = UInt16(registers.ch) | UInt16(registers.cl & 0xC0) << 2
        let (head, sector) = (UInt16(registers.dh), UInt16(registers.cl & 0x3F))
        let (count, geometry) = (registers.al, drive.geometry)
        guard (1...128).contains(count), sector >= 1, sector <= geometry.sectors, cylinder < geometry.cylinders,
            head < geometry.heads
        else { return .failed(.badParameter) }
        let track = UInt64(cylinder) &* UInt64(geometry.heads) &+ UInt64(head)
        let first = track &* UInt64(geometry.sectors) &+ UInt64(sector) &- 1
        let place = RealModeMemory.linear(registers.es, registers.bx)
        if let error = transfer(access, drive.disk, at: first, count: UInt64(count), memoryAt: place) {
            registers.al = 0
            return .failed(error)
        }
        return .done(0)
    }

    /// By the number of the sector, in a packet that DS:SI leads to (Enhanced Disk Drive Specification 3.0, section 8).
    private func extended(_ access: Access, _ drive: Drive, _ registers: BIOSRegisters) -> Result {
        let packet = RealModeMemory.linear(registers.ds, registers.si)
        guard memory.load(UInt8.self, at: packet) >= 16 else { return .failed(.badParameter) }
        let count = memory.load(UInt16.self, at: packet &+ 2)
        let pointer = memory.load(UInt32.self, at: packet &+ 4)
        let place = RealModeMemory.linear(UInt16(truncatingIfNeeded: pointer >> 16), pointer.word)
        let first = memory.load(UInt64.self, at: packet &+ 8)
        // More would keep the vCPU for long; a packet is for 127 at most.
        guard count <= 127, first < drive.disk.sectorCount else { return .failed(.badParameter) }
        if let error = transfer(access, drive.disk, at: first, count: UInt64(count), memoryAt: place) {
            memory.store(UInt16(0), at: packet &+ 2)
            return .failed(error)
        }
        return .done(0)
    }

    /// - Parameter place: linear; it goes on behind the end of a segment.
    private func transfer(
        _ access: Access, _ disk: any BIOSDrive, at first: UInt64, count: UInt64, memoryAt place: UInt64
    ) -> BIOSDiskError? {
        let size = disk.sectorCount
        guard count <= size, first <= size &- count else { return .badSector }
        guard access != .verify, count > 0 else { return nil }
        var error: BIOSDiskError?
        do throws(GuestMemoryError) {
            // 128 sectors at most.
            let bytes = Int(truncatingIfNeeded: count &* Self.sectorSize)
            try memory.memory.withMutableBytes(at: GuestAddress(place), count: bytes) { bytes in
                switch access {
                case .read: error = disk.read(at: first, into: &bytes) ? nil : .badSector
                case .write: error = disk.write(bytes.bytes, at: first)
                case .verify: break
                }
            }
        } catch {
            return .badParameter
        }
        return error
    }

    private func tellParameters(_ drive: Drive, _ registers: inout BIOSRegisters) -> Result {
        let geometry = drive.geometry
        // The last cylinder of a hard disk is for tests, and not counted.
        let last = geometry.cylinders &- (drive.floppyType == nil ? 2 : 1)
        registers.al = 0
        registers.ch = last.low
        registers.cl = UInt8(truncatingIfNeeded: last >> 2) & 0xC0 | UInt8(truncatingIfNeeded: geometry.sectors)
        registers.dh = UInt8(truncatingIfNeeded: geometry.heads &- 1)
        if let type = drive.floppyType {
            registers.bx = UInt16(type)
            registers.es = BIOSTables.segment
            registers.di = BIOSTables.floppyParameters
            registers.dl = 1
        } else {
            registers.dl = UInt8(truncatingIfNeeded: machine.hardDisks.count)
        }
        return .done(0)
    }

    private func tellType(_ drive: Drive, _ registers: inout BIOSRegisters) -> Result {
        guard drive.floppyType == nil else { return .done(1) }
        let geometry = drive.geometry
        let sectors = UInt64(geometry.cylinders &- 1) &* UInt64(geometry.heads) &* UInt64(geometry.sectors)
        registers.cx = UInt16(truncatingIfNeeded: sectors >> 16)
        registers.dx = UInt16(truncatingIfNeeded: sectors)
        return .done(3)
    }

    private func tellExtendedParameters(_ drive: Drive, _ registers: BIOSRegisters) -> Result {
        let place = RealModeMemory.linear(registers.ds, registers.si)
        let size: UInt16 = 26
        guard memory.load(UInt16.self, at: place) >= size else { return .failed(.badParameter) }
        memory.store(size, at: place)
        // The geometry is valid.
        memory.store(UInt16(2), at: place &+ 2)
        memory.store(UInt32(drive.geometry.cylinders), at: place &+ 4)
        memory.store(UInt32(drive.geometry.heads), at: place &+ 8)
        memory.store(UInt32(drive.geometry.sectors), at: place &+ 12)
        memory.store(drive.disk.sectorCount, at: place &+ 16)
        memory.store(UInt16(Self.sectorSize), at: place &+ 24)
        return .done(0)
    }
}
