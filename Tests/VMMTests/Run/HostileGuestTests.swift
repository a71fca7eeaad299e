import HostileGuest
import TestSupport
import Testing
import VMM

/// The seeded runs of `scripts/fuzz fuzz-machine`.
@Suite("Guests that mean harm", .requiresKVM)
struct HostileGuestTests {
    @Test("each ends with a reason, whatever it does with ports, rings and control registers")
    func alwaysEnd() throws {
        let disk = TemporaryFile(Array(repeating: 0, count: 1 << 20))
        for seed in 0..<UInt64(TestScale.count(200)) {
            let configuration = HostileGuest(seed: seed).configuration(disk: disk.path, timeout: .milliseconds(20))
            do throws(VMMError) {
                #expect(try VirtualMachine(configuration).run().reason != .stopped, "seed \(seed)")
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
    }

    @Test("and is the same for the same number")
    func seeded() {
        let guests = [1, 1, 2].map { HostileGuest(seed: $0).configuration(disk: "", timeout: .zero).image }
        #expect("\(guests[0])" == "\(guests[1])" && "\(guests[0])" != "\(guests[2])")
    }
}
