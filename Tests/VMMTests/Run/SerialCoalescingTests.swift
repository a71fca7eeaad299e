import DeviceModel
import Glibc
import KVM
import Synchronization
import TestSupport
import Testing
import VirtioDriver

@testable import VMM

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
        let machine = try VirtualMachine(configuration)
        let handle = machine.control
        let start = ContinuousClock.now
        let reader = HostThread {
            var count = 0
            while count < 201 { count += max(1, pipe.read(upTo: 4096).count) }
            handle.stop()
        }
        let finished = machine.run()
        #expect(try finished.reason == .stopped)
        let time = ContinuousClock.now - start
        reader.join()
        #expect(finished.report.coalescedWrites > 100)
        return time
    }

    /// Real-mode code that writes so many bytes to the serial port, and then one more each time that the byte at 0x7F00 is set, which it
    /// clears, and sets the one at 0x7F01 afterwards. It ends by no exit.
    private static func printsWhenAsked(_ count: UInt16) -> [UInt8] {
        repeated(count) + [0xB0, 0x61] + [
            0x80, 0x3E, 0x00, 0x7F, 0x00,  // cmpb $0, 0x7F00
            0x74, 0xF9,  // je to it
            0xC6, 0x06, 0x00, 0x7F, 0x00,  // movb $0, 0x7F00
            0xEE,  // outb %al, %dx
            0xC6, 0x06, 0x01, 0x7F, 0x01,  // movb $1, 0x7F01
            0xEB, 0xEC,  // jmp to the comparison
        ]
    }

    @Test("a byte that waits there is seen, though the guest made no exit for long before it, nor after it")
    func afterSilence() throws {
        let pipe = HostPipe()
        var configuration = MachineConfiguration(
            image: .bytes(Self.printsWhenAsked(200)), output: ConsoleOutput(descriptor: pipe.writeEnd.number))
        configuration.timeout = TestScale.patience
        let machine = try VirtualMachine(configuration)
        let (control, memory) = (machine.control, machine.parts.host.memory)
        let reader = HostThread {
            var count = 0
            while count < 200 { count += max(1, pipe.read(upTo: 4096).count) }
            for _ in 0..<3 {
                usleep(100_000)
                try? memory.store(UInt8(1), at: GuestAddress(0x7F00))
                _ = pipe.read(upTo: 1)
            }
            control.stop()
        }
        let finished = machine.run()
        #expect(try finished.reason == .stopped)
        reader.join()
        #expect(finished.report.coalescedWrites > 100)
    }

    @Test("it comes before what a virtio-console prints after it, though neither made an exit")
    func beforeVirtio() throws {
        let output = ConsoleOutput()
        var configuration = MachineConfiguration(image: .bytes(Self.printsWhenAsked(100)), output: output)
        configuration.timeout = TestScale.patience
        configuration.devices.append(.virtioConsole(VirtioConsoleConfiguration()))
        let machine = try VirtualMachine(configuration)
        let (control, memory) = (machine.control, machine.parts.host.memory)
        let device = try #require(machine.parts.devices.compactMap { $0 as? VirtioDevice }.first)
        let rounds = 100
        let isRight = Atomic(false)
        let driver = HostThread {
            // The test in the guest's place: a driver whose rings are no exits either.
            do {
                let size: UInt16 = 4
                let receive = try MockDriver(memory: memory, size: size, base: 0x10000)
                var transmit = try MockDriver(memory: memory, size: size, base: 0x12000)
                device.transport.bringUp([receive.layout, transmit.layout])
                for _ in 0..<rounds {
                    try memory.store(UInt8(0), at: GuestAddress(0x7F01))
                    try memory.store(UInt8(1), at: GuestAddress(0x7F00))
                    _ = try eventually { try memory.load(UInt8.self, at: GuestAddress(0x7F01)) == 1 }
                    _ = try transmit.add(readable: [Array("b".utf8)])
                    if try transmit.publish() { device.transport.set(.queueNotify, 1) }
                    _ = try eventually { try transmit.takeBuffers() != nil }
                }
                isRight.store(true, ordering: .relaxed)
            } catch {
                Issue.record(error)
            }
            control.stop()
        }
        let finished = machine.run()
        #expect(try finished.reason == .stopped)
        driver.join()
        let wentRight = isRight.load(ordering: .relaxed)
        #expect(wentRight)
        let text = String(decoding: output.collected, as: UTF8.self)
        #expect(text == String(repeating: "x", count: 100) + String(repeating: "ab", count: rounds))
    }

    @Test("what waits there when a port's writes become exits again is not lost")
    func waitsAtStop() throws {
        final class Recorder: CoalescedDevice {
            let values = Mutex<[UInt64]>([])
            func playBack(_ write: CoalescedWrite) { values.withLock { $0.append(write.value) } }
        }
        var machine = try VirtualMachine(
            MachineConfiguration(
                image: .bytes(Self.out(0x900, 1) + Self.out(0x900, 2) + Self.out(0x900, 3) + [0xF4])))
        let coalescing = machine.parts.host.coalescing
        let recorder = Recorder()
        try #require(coalescing.begin(0x900, recorder))
        var exit = try machine.first.vcpu.run()
        // A signal that was for what the thread did before.
        while exit == .interrupted { exit = try machine.first.vcpu.run() }
        #expect(exit == .halt)
        #expect(recorder.values.withLock { $0 } == [])
        coalescing.stop(0x900)
        #expect(recorder.values.withLock { $0 } == [1, 2, 3])
        #expect(!coalescing.isActive)
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
