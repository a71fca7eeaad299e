/// A bzImage for one test: the header that Linux's boot protocol 2.15 has (Linux Documentation/arch/x86/boot.rst), and code of a few bytes at
/// the 64-bit entry.
enum TinyKernel {
    static func bzImage(_ code: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 0x400)
        func put(_ values: [UInt8], at offset: Int) {
            bytes.replaceSubrange(offset..<offset + values.count, with: values)
        }
        put([1], at: 0x1F1)  // one sector behind the first
        put([0x55, 0xAA, 0xEB, 0x6A] + Array("HdrS".utf8) + [0x0F, 0x02], at: 0x1FE)
        put([1], at: 0x211)  // loaded high
        put([0xFF, 0xFF, 0xFF, 0x7F], at: 0x22C)  // the initial RAM disk's highest address
        put([1], at: 0x236)  // has a 64-bit entry
        put([0xFF, 0x07], at: 0x238)  // the command line's length
        put([0, 0, 0x10], at: 0x258)  // loaded at 1 MiB
        return bytes + [UInt8](repeating: 0, count: 0x200) + code
    }
}
