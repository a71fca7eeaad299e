import Synchronization
import VMM

/// A device at ports: a number that is written to it is read back as its square root.
final class SquareRoot: BusDevice {
    private let root = Atomic<UInt32>(0)

    /// Any vCPU may call at any time, with any offset and width.
    func read(offset: UInt64, width: Int) -> UInt64 {
        UInt64(root.load(ordering: .relaxed))
    }

    func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect {
        // Of 32 bits no root has more than 16, so this cannot fail, whatever the guest writes.
        root.store(UInt32(Double(UInt32(truncatingIfNeeded: value)).squareRoot()), ordering: .relaxed)
        return .none
    }

    static let configuration = DeviceConfiguration.custom(
        CustomDeviceConfiguration(name: "square root", range: .ports(0x900..<0x904)) { _ in SquareRoot() })

    /// A flat real-mode image: it asks for a root, and ends the run with it.
    static let guest: [UInt8] = [
        0x66, 0xB8, 0xE4, 0x06, 0x00, 0x00,  // movl $1764, %eax
        0xBA, 0x00, 0x09,  // movw $0x900, %dx
        0x66, 0xEF,  // outl %eax, %dx
        0x66, 0xED,  // inl %dx, %eax
        0xBA, 0x00, 0x05,  // movw $0x500, %dx, the exit port
        0xEE,  // outb %al, %dx
    ]
}
