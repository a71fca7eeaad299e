import Glibc
import Testing

/// Whether this host's /dev/kvm can be opened and is KVM's (KVM_GET_API_VERSION, Linux api.rst section 4.1), and nothing else in its place.
private let hasKVM: Bool = {
    // SAFETY: a C string for the length of the call.
    let descriptor = unsafe open("/dev/kvm", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return ioctl(descriptor, 0xAE00, 0) == 12
}()

extension Trait where Self == ConditionTrait {
    /// Skips where this user can use no KVM, unless `SWIFTVMM_REQUIRE_KVM=1` says that there must be one: then the test runs, and fails.
    public static var requiresKVM: Self {
        .enabled("no KVM on this machine that can be used") {
            // SAFETY: a C string for the length of the call.
            unsafe hasKVM || getenv("SWIFTVMM_REQUIRE_KVM") != nil
        }
    }

    /// The same for what needs some KVM and does not differ from one to another: `scripts/test` runs it on this machine alone,
    /// and not on emulated ones.
    public static var requiresAnyKVM: Self { requiresKVM }
}
