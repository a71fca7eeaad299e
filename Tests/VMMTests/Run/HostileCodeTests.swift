import TestSupport
import Testing
import VMM

/// Random machine code in a real machine: whatever it does, the run ends with a reason, and nothing is thrown.
@Suite("Hostile code", .requiresKVM)
struct HostileCodeTests {
    private static func code(_ random: inout SplitMix64) -> [UInt8] {
        // Half of the guests do port and memory accesses more often than chance would have it.
        let likely: [UInt8] = [
            0xE4, 0xE5, 0xE6, 0xE7, 0xEC, 0xED, 0xEE, 0xEF, 0x6C, 0x6D, 0x6E, 0x6F, 0xF3, 0x66, 0xF4,
        ]
        let isBiased = Bool.random(using: &random)
        return (0..<Int.random(in: 1...64, using: &random)).map { _ in
            if isBiased, Int.random(in: 0..<3, using: &random) == 0 { return likely.randomElement(using: &random) ?? 0 }
            return UInt8.random(in: 0...255, using: &random)
        }
    }

    @Test("random code always ends with some reason, in every mode", arguments: CPUMode.allCases)
    func alwaysEnds(mode: CPUMode) throws {
        for seed in 0..<UInt64(TestScale.count(100)) {
            var random = SplitMix64(seed: seed)
            let code = Self.code(&random)
            do throws(VMMError) {
                let run = try GuestRun(code: code) {
                    $0.mode = mode
                    $0.memorySize = 2 << 20
                    $0.timeout = .milliseconds(50)
                    $0.input = ConsoleInput([1, 2, 3])
                    // Now and then, as making some of them takes much longer than such a guest runs.
                    if seed % 5 == 0 { $0.interruptControllers = seed % 2 == 0 ? .split : .full }
                    if seed % 10 == 0 { $0.vcpuCount = 2 }
                }
                // All of them are fine but one: nobody asked for it.
                #expect(run.reason != .stopped, "seed \(seed)")
            } catch {
                Issue.record("seed \(seed), \(code): \(error)")
            }
        }
    }

    @Test("random bytes as an image of whatever kind they seem to be end with a reason or with an error of the image")
    func randomImages() throws {
        for seed in 0..<UInt64(TestScale.count(100)) {
            var random = SplitMix64(seed: seed)
            var image = ELFBuilder().bytes
            for _ in 0..<8 {
                let index = Int.random(in: 4..<image.count, using: &random)
                image[index] = UInt8.random(in: 0...255, using: &random)
            }
            do throws(VMMError) {
                _ = try GuestRun(.bytes(image)) {
                    $0.memorySize = 2 << 20
                    $0.timeout = .milliseconds(50)
                }
            } catch {
                guard case .image = error else {
                    Issue.record("seed \(seed): \(error)")
                    continue
                }
            }
        }
    }
}
