/// The processor mode that a guest is entered in.
public enum CPUMode: String, CaseIterable, Sendable {
    /// 16-bit, like a boot sector.
    case real
    /// 32-bit, flat segments, no paging.
    case protected
    /// 64-bit, the first 4 GiB mapped to themselves.
    case long
}
