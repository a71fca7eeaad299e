import HostileGuest
import TestSupport
import Testing
import VMM

/// The seeded runs of `scripts/fuzz fuzz-machine`.
@Suite("Guests that mean harm", .requiresKVM)
struct HostileGuestTests {
    @Test("each ends with a reason, whatever it does with ports, rings and control registers")
    func alwaysEnd() throws {
        var (requests, bytes, faults) = (UInt64(0), UInt64(0), 0)
        for seed in 0..<UInt64(TestScale.count(400)) {
            // One for each: a process that another test makes keeps the last one's locked for a moment.
            let disk = TemporaryFile(Array(repeating: 0, count: 1 << 16))
            let configuration = HostileGuest(seed: seed).configuration(disk: disk.path, timeout: .milliseconds(20))
            do throws(VMMError) {
                let finished = try VirtualMachine(configuration).run()
                #expect(try finished.reason != .stopped, "seed \(seed)")
                for report in finished.deviceReports {
                    requests += report.requests ?? 0
                    bytes += report.consoleBytes ?? 0
                    faults += report.fault == nil ? 0 : 1
                }
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
        // They have been at the devices. Seen of 400: hundreds of requests.
        #expect(requests > 0 && bytes > 0 && faults > 0, "\(requests) \(bytes) \(faults)")
    }

    @Test("and is the same for the same number")
    func seeded() {
        let guests = [1, 1, 2].map { HostileGuest(seed: $0).configuration(disk: "", timeout: .zero).image }
        #expect("\(guests[0])" == "\(guests[1])" && "\(guests[0])" != "\(guests[2])")
    }
}
