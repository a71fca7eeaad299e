import DeviceModel
import Glibc
import KVM
import LinuxHost
import SystemPackage

/// A machine's RAM: its map, the host memory behind it, and the gate that devices and loaders reach it through.
struct GuestRAM {
    let map: MemoryMap
    let backing: HostMemory
    let memory: GuestMemory

    init(_ map: MemoryMap, hasHugePages: Bool = false) throws(VMMError) {
        self.map = map
        guard let size = Int(exactly: map.size) else {
            throw .configuration("\(map.size) bytes are too much memory; use less")
        }
        do throws(HostError) {
            backing = try HostMemory(size: size, hasHugePages: hasHugePages)
        } catch {
            throw .configuration("\(error); use less")
        }
        // SAFETY: the backing lives at least as long as this value, which holds it.
        let bytes = unsafe backing.bytes
        do throws(GuestMemoryLayoutError) {
            // SAFETY: the parts lie inside the backing, which the guest memory keeps; nothing else of this process uses it.
            memory = try unsafe GuestMemory(
                regions: map.slots.map { part in
                    let start = Int(part.offset)
                    let slice = unsafe bytes[start..<start + Int(part.size)]
                    return unsafe (part.start, UnsafeMutableRawBufferPointer(rebasing: slice))
                },
                owner: backing)
        } catch {
            throw .fault("\(error)")
        }
    }

    /// Makes it the machine's memory, one slot for each part. KVM takes less than 8 TiB in a slot, and the host's kernel
    /// sets aside two thousandths of it at once.
    func map(into machine: borrowing KVMVirtualMachine) throws(VMMError) {
        for (slot, part) in map.slots.enumerated() {
            do throws(KVMError) {
                try machine.map(
                    backing, offset: Int(part.offset), size: Int(part.size), slot: UInt32(slot), at: part.start.rawValue
                )
            } catch .call(let operation, let reason) where reason.rawValue == ENOMEM || reason.rawValue == EINVAL {
                throw .configuration("cannot \(operation): \(reason); use less")
            } catch {
                throw .kvm(error)
            }
        }
    }
}
