import Glibc
import Testing

/// Linux guests made of Debian's stock kernels: `SWIFTVMM_LINUX` is the folder that `scripts/linux-guests` prints.
public enum LinuxGuests {
    public static let folder: String? = {
        // SAFETY: a C string for the length of the call; what comes back is copied at once.
        guard let text = unsafe getenv("SWIFTVMM_LINUX") else { return nil }
        return unsafe String(cString: text)
    }()

    /// Whether every combination is wanted, and not only each thing once.
    // SAFETY: a C string for the length of the call.
    public static let wantsAll = unsafe getenv("SWIFTVMM_LINUX_ALL") != nil
}

extension Trait where Self == ConditionTrait {
    /// Needs a host that runs the user space of a Linux guest, and such guests: `scripts/test` runs it on AMD-V.
    public static var requiresLinux: Self {
        .enabled(if: LinuxGuests.folder != nil, "no Linux guests: SWIFTVMM_LINUX is not set")
    }
}
