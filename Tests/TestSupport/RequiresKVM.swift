import Glibc
import Testing

extension Trait where Self == ConditionTrait {
    /// Skips where there is no /dev/kvm at all, unless `SWIFTVMM_REQUIRE_KVM=1` says that there must be one: then the test
    /// runs, and fails.
    public static var requiresKVM: Self {
        .enabled("no /dev/kvm on this machine") {
            // SAFETY: C strings for the length of the calls.
            unsafe access("/dev/kvm", F_OK) == 0 || getenv("SWIFTVMM_REQUIRE_KVM") != nil
        }
    }

    /// The same for what needs some KVM and does not differ from one to another: `scripts/test` runs it on this machine alone,
    /// and not on emulated ones.
    public static var requiresAnyKVM: Self { requiresKVM }
}
