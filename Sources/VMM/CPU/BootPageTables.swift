/// The page tables of long mode: the first 4 GiB mapped to themselves by 2 MiB pages, writable, and user at every level, so
/// that a guest can drop to ring 3 without building any (Intel SDM vol. 3A section 4.5).
enum BootPageTables {
    private static let present: UInt64 = 1 << 0
    private static let writable: UInt64 = 1 << 1
    private static let user: UInt64 = 1 << 2
    private static let largePage: UInt64 = 1 << 7

    /// All tables one after the other, from `LowMemory.pageTables` on: PML4, one page-directory-pointer table, and a page
    /// directory for each GiB.
    static var words: [UInt64] {
        let base = LowMemory.pageTables
        let flags = present | writable | user
        var words = [UInt64](repeating: 0, count: 6 * 512)
        words[0] = (base + 0x1000) | flags
        for gigabyte in 0..<4 {
            words[512 + gigabyte] = (base + 0x2000 + UInt64(gigabyte) * 0x1000) | flags
        }
        for page in 0..<4 * 512 {
            words[2 * 512 + page] = UInt64(page) << 21 | flags | largePage
        }
        return words
    }
}
