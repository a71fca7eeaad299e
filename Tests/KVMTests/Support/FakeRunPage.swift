import Glibc
import LinuxHost

@testable import KVM

/// A run page that the test fills as the kernel would: memory shared with a file of no name instead of a vCPU.
struct FakeRunPage: ~Copyable {
    static let size = 3 * 4096
    let page: RunPage
    private let descriptor: OwnedDescriptor

    init() throws(KVMError) {
        // SAFETY: the stream is closed once, after its last use.
        guard let stream = unsafe tmpfile() else { throw .call("make a file", .current) }
        let number = unsafe dup(fileno(stream))
        unsafe fclose(stream)
        guard number >= 0, ftruncate(number, off_t(Self.size)) == 0 else { throw .call("make a file", .current) }
        let descriptor = OwnedDescriptor(number: number)
        page = try RunPage(descriptor: descriptor, size: Self.size)
        self.descriptor = descriptor
    }

    /// Little-endian.
    func store(_ value: some FixedWidthInteger, at offset: Int) {
        store((0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }, at: offset)
    }

    func store(_ bytes: [UInt8], at offset: Int) {
        // SAFETY: the array holds as many bytes as it counts.
        let count = unsafe pwrite(descriptor.number, bytes, bytes.count, off_t(offset))
        precondition(count == bytes.count)
    }

    func load(_ count: Int, at offset: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        // SAFETY: as above.
        let result = unsafe pread(descriptor.number, &bytes, count, off_t(offset))
        precondition(result == count)
        return bytes
    }
}
