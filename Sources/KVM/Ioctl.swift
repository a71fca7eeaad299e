import CKVM
import LinuxHost
import SystemPackage

/// The three forms that KVM's ioctls have.
extension OwnedDescriptor {
    /// An ioctl whose argument is a number.
    @discardableResult
    func control(_ request: UInt, _ argument: UInt, _ operation: @autoclosure () -> String) throws(KVMError) -> Int {
        try KVMError.check(ckvm_ioctl(number, request, argument), operation())
    }

    /// An ioctl that reads, fills or does both with a structure, whose size the request's number encodes.
    func control<Structure: BitwiseCopyable>(
        _ request: UInt, _ structure: inout Structure, _ operation: @autoclosure () -> String
    ) throws(KVMError) {
        guard MemoryLayout<Structure>.size == ckvm_request_size(request) else {
            throw .call(operation(), .invalidArgument)
        }
        // SAFETY: the kernel touches as many bytes as the request's number encodes, which is the structure's size.
        try KVMError.check(unsafe ckvm_ioctl_pointer(number, request, &structure), operation())
    }

    /// An ioctl on a list: the number of entries, four bytes of padding, and the entries (`kvm_cpuid2`, `kvm_msrs`).
    ///
    /// - Returns: what the call returned, and as many entries as the number tells afterwards.
    func control<Entry: BitwiseCopyable>(
        _ request: UInt, _ entries: [Entry], _ operation: @autoclosure () -> String
    ) throws(KVMError) -> (result: Int, entries: [Entry]) {
        let header = MemoryLayout<UInt64>.size
        let stride = MemoryLayout<Entry>.stride
        // SAFETY: the buffer holds the header and all entries that it counts; an entry is a plain C structure whose size
        // is its stride. The kernel touches no entry beyond the number that it was given.
        let list = UnsafeMutableRawBufferPointer.allocate(
            byteCount: header + entries.count * stride, alignment: 16)
        defer { unsafe list.deallocate() }
        unsafe list.storeBytes(of: UInt64(entries.count), as: UInt64.self)
        let tail = unsafe UnsafeMutableRawBufferPointer(rebasing: list[header...])
        unsafe entries.withUnsafeBytes { unsafe tail.copyMemory(from: $0) }
        let result = try KVMError.check(unsafe ckvm_ioctl_pointer(number, request, list.baseAddress), operation())
        let count = min(entries.count, Int(unsafe list.load(as: UInt32.self)))
        let filled = (0..<count).map { unsafe tail.loadUnaligned(fromByteOffset: $0 * stride, as: Entry.self) }
        return (result, filled)
    }
}
