import Glibc
import TestSupport
import Testing
import VMM

@Suite("Serial output that waits in KVM's ring", .requiresKVM)
struct SerialCoalescingTests {
    /// mov $value, %al; mov $port, %dx; out %al, %dx
    private static func out(_ port: UInt16, _ value: UInt8) -> [UInt8] {
        [0xB0, value, 0xBA, UInt8(truncatingIfNeeded: port), UInt8(port >> 8), 0xEE]
    }

    /// Writes AL to DX so often. Changes CX.
    private static func repeated(_ count: UInt16, _ value: UInt8 = 0x78, _ port: UInt16 = 0x3F8) -> [UInt8] {
        let start: [UInt8] = [0xB0, value, 0xBA, UInt8(truncatingIfNeeded: port), UInt8(port >> 8)]
        return start + [0xB9, UInt8(truncatingIfNeeded: count), UInt8(count >> 8), 0xEE, 0xE2, 0xFD]
    }

    @Test("the first bytes are exits, the others are not, and all arrive")
    func begins() throws {
        let run = try GuestRun(code: Self.repeated(500) + [0xF4])
        #expect(run.output == [UInt8](repeating: 0x78, count: 500))
        // A full ring makes an exit of the write that finds it so.
        let exits = try #require(run.report.exitsByPort.first { $0.port == "0x3f8" }).count
        #expect(run.report.coalescedWrites + exits == 500)
        #expect((64...80).contains(exits))
    }

    @Test("not where it is not wanted")
    func off() throws {
        let run = try GuestRun(code: Self.repeated(500) + [0xF4]) { $0.setSerial { $0.coalescesOutput = false } }
        #expect(run.output.count == 500)
        #expect(run.report.coalescedWrites == 0)
        #expect(run.report.exitsByPort.first { $0.port == "0x3f8" }?.count == 500)
    }

    @Test("nor after the guest has let the transmitter interrupt, for good")
    func transmitInterrupt() throws {
        let code =
            Self.repeated(164) + Self.out(0x3F9, 2) + Self.repeated(300) + Self.out(0x3F9, 0) + Self.repeated(300) + [
                0xF4
            ]
        let run = try GuestRun(code: code)
        #expect(run.output.count == 764)
        let exits = try #require(run.report.exitsByPort.first { $0.port == "0x3f8" }).count
        #expect(run.report.coalescedWrites + exits == 764)
        // On AMD-V KVM makes one of them an exit all the same. Seen: 100 under PVM, 99 or 100 there.
        #expect((90...100).contains(run.report.coalescedWrites))
    }

    @Test("and then nothing looks for it any more")
    func stopsPolling() throws {
        // A look each 10 ms would be as many for the time that the guest has a processor, at least. Seen: 2 or 3 in a second. Where the
        // processors are busy it takes a while until the guest comes so far, and that is looked at: then once more, for longer.
        var isSeldom = false
        for seconds in [1, 4, 16] where !isSeldom {
            let run = try GuestRun(code: Self.repeated(164) + Self.out(0x3F9, 2) + [0xEB, 0xFE]) {
                $0.timeout = .seconds(seconds)
            }
            #expect(run.reason == .deadline)
            #expect(run.report.coalescedWrites > 90)
            let looks = run.report.exitsByKind["interrupted"] ?? 0
            isSeldom = Int64(looks) < run.report.cpuNanoseconds / 40_000_000
        }
        #expect(isSeldom)
    }

    @Test("a byte that no exit follows is seen soon", .tags(.timed))
    func lastByte() throws {
        let limit = Duration.milliseconds(500) * TestScale.divisor
        var least = Duration.seconds(3600)
        for _ in 0..<5 where least > limit {
            let wait = ProcessorWait()
            let time = try Self.timeToSeeLastByte()
            least = min(least, time - wait.end() * 4)
        }
        // 50 ms are promised for an idle machine. Seen: 12. The least of some, less what the threads waited for a processor: other
        // work on the machine does not count.
        #expect(least < limit)
    }

    private static func timeToSeeLastByte() throws -> Duration {
        let pipe = HostPipe()
        var configuration = MachineConfiguration(
            image: .bytes(repeated(200) + out(0x3F8, 0x0A) + [0xEB, 0xFE]),
            output: ConsoleOutput(descriptor: pipe.writeEnd.number))
        configuration.timeout = TestScale.patience
        var machine = try VirtualMachine(configuration)
        let handle = machine.control
        let start = ContinuousClock.now
        let reader = HostThread {
            var count = 0
            while count < 201 { count += max(1, pipe.read(upTo: 4096).count) }
            handle.stop()
        }
        #expect(try machine.run() == .stopped)
        let time = ContinuousClock.now - start
        reader.join()
        #expect(machine.report.coalescedWrites > 100)
        return time
    }

    /// Guest code that writes, reads the status and controls the port in a random order, and what it prints in one round.
    private static func mix(_ random: inout SplitMix64) -> (code: [UInt8], output: [UInt8]) {
        var code: [UInt8] = []
        var output: [UInt8] = []
        for _ in 0..<400 {
            let value = UInt8.random(in: 0x20...0x7E, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0...3:
                code += out(0x3F8, value)
                output.append(value)
            case 4:
                let count = UInt16.random(in: 1...60, using: &random)
                code += repeated(count, value)
                output += [UInt8](repeating: value, count: Int(count))
            case 5:
                // mov $0x7C00, %si; mov $0x3F8, %dx; mov $count, %cx; rep outsb: the code's own first bytes.
                let count = UInt8.random(in: 1...60, using: &random)
                code += [0xBE, 0x00, 0x7C, 0xBA, 0xF8, 0x03, 0xB9, count, 0x00, 0xF3, 0x6E]
                output += prologue.prefix(Int(count))
            case 6:
                // mov $0x3FD, %dx; in %dx, %al
                code += [0xBA, 0xFD, 0x03, 0xEC]
            case 7:
                // A divisor, which prints nothing.
                code += out(0x3FB, 0x83) + out(0x3F8, value) + out(0x3F9, 0) + out(0x3FB, 0x03)
            case 8:
                code += out(0x3FF, value) + out(0x3FC, 0x03) + out(0x3FA, 0x07)
            default:
                code += out(0xE9, value)
                output.append(value)
            }
        }
        return (code, output)
    }

    /// Where each round begins: so many bytes that do nothing, to be printed by the string output.
    private static let prologue: [UInt8] = [UInt8](repeating: 0x90, count: 60)

    @Test(
        "a million bytes in any mix of writes, status reads and control writes are the same with it and without",
        arguments: 1...4)
    func mixes(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (round, printed) = Self.mix(&random)
        let count = max(1, TestScale.count(250_000) / printed.count)
        // mov $count, %di; rounds; dec %di; jz over; jmp near to the first round; over: hlt
        let head: [UInt8] = Self.prologue + [0xFC, 0xBF, UInt8(truncatingIfNeeded: count), UInt8(count >> 8)]
        let back = -(round.count + 6)
        let tail: [UInt8] = [
            0x4F, 0x74, 0x03, 0xE9, UInt8(truncatingIfNeeded: back), UInt8(truncatingIfNeeded: back >> 8), 0xF4,
        ]
        let expected = [[UInt8]](repeating: printed, count: count).flatMap { $0 }
        for isOn in [true, false] {
            let run = try GuestRun(code: head + round + tail) { $0.setSerial { $0.coalescesOutput = isOn } }
            #expect(run.reason == .halted)
            #expect(run.output == expected, "seed \(seed)")
            #expect((run.report.coalescedWrites > 0) == isOn)
        }
    }
}
