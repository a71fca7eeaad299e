import FoundationEssentials
import KVM
import Testing
import XCTest

/// What keeps this host from running guests, in words; nil for nothing.
private let missingKVM: String? = {
    do throws(KVMError) {
        _ = try KVMSystem()
        return nil
    } catch {
        return "\(error)"
    }
}()

/// Why tests are to be skipped; nil where they are to run: also where a run of all tests is to fail without KVM, for which
/// `SWIFTVMM_REQUIRE_KVM` is set.
var skipReason: String? {
    ProcessInfo.processInfo.environment["SWIFTVMM_REQUIRE_KVM"] == nil ? missingKVM : nil
}

extension Trait where Self == ConditionTrait {
    /// For a test or a suite of Swift Testing that runs guests: skips it where this user can use no KVM, and says why, unless
    /// `SWIFTVMM_REQUIRE_KVM` is set, as it should be in continuous integration.
    public static var requiresKVM: Self {
        .enabled(skipReason.map { Comment(rawValue: $0) }) { skipReason == nil }
    }
}

/// For tests of XCTest that run guests: skips them where this user can use no KVM, and says why, unless `SWIFTVMM_REQUIRE_KVM` is set,
/// as it should be in continuous integration.
open class GuestTestCase: XCTestCase {
    open override func setUpWithError() throws {
        try super.setUpWithError()
        if let skipReason { throw XCTSkip(skipReason) }
    }
}
