import TestSupport
import Testing

@testable import VMM

@Suite("How long exits took to handle")
struct ExitLatenciesTests {
    @Test("percentiles are those of all that was recorded, within 1 %, and the longest is exact")
    func percentiles() throws {
        var latencies = ExitLatencies()
        for value in 1...100_000 as ClosedRange<Int64> { latencies.record(.portWrite, nanoseconds: value) }
        let found = try #require(latencies.byName["portWrite"])
        #expect(latencies.byName.count == 1)
        #expect(found.count == 100_000)
        for (value, expected) in [(found.p50, 50_000.0), (found.p90, 90_000), (found.p99, 99_000)] {
            #expect(abs(Double(value) - expected) <= expected / 100, "\(found)")
        }
        #expect(found.max == 100_000)
    }

    @Test("one value is all of its percentiles")
    func one() throws {
        var latencies = ExitLatencies()
        latencies.record(.halt, nanoseconds: 12_345)
        let found = try #require(latencies.byName["halt"])
        #expect(found.p50 == found.max && found.p90 == found.max && found.p99 == found.max)
        #expect(found.max == 12_345)
    }

    @Test("a clock that seems to go back, or a very long time, is counted at the ends of the range")
    func range() throws {
        var latencies = ExitLatencies()
        for value in [-1, 0, .min, .max] as [Int64] { latencies.record(.other, nanoseconds: value) }
        let found = try #require(latencies.byName["other"])
        #expect(found.count == 4)
        #expect(found.p50 <= 1)
        #expect(found.max == 3_600_000_000_000)
    }

    @Test("those of several vCPUs are those of one that had them all")
    func sum() {
        var random = SplitMix64(seed: 5)
        var (all, sum, other) = (ExitLatencies(), ExitLatencies(), ExitLatencies())
        for index in 0..<10_000 {
            let kind = ExitKind.allCases[Int.random(in: 0..<3, using: &random) + (index % 2 == 0 ? 0 : 2)]
            let value = Int64.random(in: 0...1_000_000, using: &random)
            all.record(kind, nanoseconds: value)
            if index % 2 == 0 {
                sum.record(kind, nanoseconds: value)
            } else {
                other.record(kind, nanoseconds: value)
            }
        }
        sum.add(other)
        #expect(sum.byName == all.byName)
        #expect(all.byName.count == 5)
    }

    @Test("few are told exactly, which is within 1 % what the histogram tells of them")
    func few() throws {
        var random = SplitMix64(seed: 6)
        for count in 1...ExitLatencies.sampleLimit + 2 {
            let largest = Int64(1) << Int64.random(in: 0..<41, using: &random)
            let values = (0..<count).map { _ in Int64.random(in: 0...largest, using: &random) }
            var (exact, histogram) = (ExitLatencies(), ExitLatencies(sampleLimit: 0))
            for value in values {
                exact.record(.msrRead, nanoseconds: value)
                histogram.record(.msrRead, nanoseconds: value)
            }
            let (found, expected) = (try #require(exact.byName["msrRead"]), try #require(histogram.byName["msrRead"]))
            #expect(found.count == UInt64(count) && expected.count == found.count && found.max == expected.max)
            for (value, other) in [(found.p50, expected.p50), (found.p90, expected.p90), (found.p99, expected.p99)] {
                #expect(value <= other && Double(other - value) <= Double(value) / 100, "\(values)")
            }
            guard count <= ExitLatencies.sampleLimit else { continue }
            for (value, percent) in [(found.p50, 50), (found.p90, 90), (found.p99, 99)] {
                #expect(values.count { UInt64($0) <= value } * 100 >= percent * count)
                #expect(values.count { UInt64($0) < value } * 100 < percent * count)
            }
        }
    }

    @Test("the samples of several vCPUs become a histogram where they are too many together")
    func sumOfFew() {
        for (first, second) in [(1, 1), (64, 1), (1, 64), (63, 1), (40, 40), (65, 1), (1, 65), (65, 65)] {
            var (all, sum, other) = (ExitLatencies(), ExitLatencies(), ExitLatencies())
            for value in 0..<Int64(first + second) {
                all.record(.halt, nanoseconds: value * 1_000)
                if value < first {
                    sum.record(.halt, nanoseconds: value * 1_000)
                } else {
                    other.record(.halt, nanoseconds: value * 1_000)
                }
            }
            sum.add(other)
            #expect(sum.byName == all.byName)
        }
    }

    @Test("a run tells them for each kind but what ended it, and only when it is asked", .requiresKVM)
    func run() throws {
        // movw $1000, %cx; outb %al, $0x80; loop to the outb; hlt
        let code: [UInt8] = [0xB9, 0xE8, 0x03, 0xE6, 0x80, 0xE2, 0xFC, 0xF4]
        let run = try GuestRun(code: code) { $0.measuresExits = true }
        let found = try #require(run.report.latencies["portWrite"])
        #expect(found.count == 1_000)
        #expect(found.p50 > 0 && found.p50 <= found.p90 && found.p90 <= found.p99 && found.p99 <= found.max)
        #expect(Int64(found.max) <= run.report.wallNanoseconds * 102 / 100)
        #expect(run.report.latencies["halt"] == nil)
        #expect(try GuestRun(code: code).report.latencies == [:])
    }

    @Test("a vCPU's are told with the others'", .requiresKVM)
    func severalCPUs() throws {
        let run = try GuestRun(guest: "long-cpus.elf") {
            $0.vcpuCount = 3
            $0.commandLine = "3"
            $0.measuresExits = true
        }
        #expect(run.report.latencies["portWrite"]?.count == run.report.exitsByKind["portWrite"])
        #expect(run.report.latencies["portRead"]?.count == run.report.exitsByKind["portRead"])
    }
}

extension ExitLatencies {
    fileprivate var byName: [String: RunReport.Percentiles] {
        Dictionary(uniqueKeysWithValues: percentiles.map { ($0.name, $0.value) })
    }
}
