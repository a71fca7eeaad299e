import Glibc
import LinuxHost
import Synchronization
import TestSupport
import Testing

@testable import VMM

/// The streams of `long-mix`, as the first lines of its source describe them.
enum MixGuest {
    static func word(_ seed: UInt64, _ index: UInt64) -> UInt64 {
        var z = seed &+ (index &+ 1) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    private static func hex(_ value: UInt64, _ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// Lines of a number and its word.
    static func lines(_ name: String, _ seed: UInt64, _ count: Int) -> String {
        (0..<UInt64(count)).map { "\(name) \(hex($0, 8)) \(hex(word(seed, $0), 16))\n" }.joined()
    }

    /// What a disk of 64 sectors holds in the end: in each of 16 places the last round that wrote there.
    static func disk(rounds: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64 * 512)
        for round in max(0, rounds - 16)..<rounds {
            let place = round % 16
            for index in 0..<4 * 64 {
                let value = word(UInt64(round), UInt64(place * 4 * 64 + index))
                bytes.storeBytes(of: value, at: (place * 4 * 64 + index) * 8)
            }
        }
        return bytes
    }
}

extension [UInt8] {
    fileprivate mutating func storeBytes(of value: UInt64, at offset: Int) {
        for byte in 0..<8 { self[offset + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)) }
    }
}

@Suite("A machine that is paused and resumed", .requiresKVM)
struct PauseTests {
    /// Pauses and resumes until it is told to end.
    ///
    /// - Parameter count: grows with each pause.
    private static func pause(
        _ control: MachineControl, seed: UInt64, until isOver: @escaping @Sendable () -> Bool,
        whilePaused check: @escaping @Sendable () -> Void
    ) -> HostThread {
        HostThread {
            var random = SplitMix64(seed: seed)
            while !isOver() {
                usleep(UInt32.random(in: 0...1_500, using: &random))
                control.pause()
                if Bool.random(using: &random) {
                    // Twice is as good as once, and wants to be taken back twice.
                    control.pause()
                    control.resume()
                }
                check()
                control.resume()
            }
        }
    }

    @Test(
        "at any moment, whatever its guest does: every byte is right, and while it is paused nothing goes on",
        arguments: [1, 4])
    func allKinds(vcpus: Int) throws {
        let rounds = TestScale.count(400)
        let file = TemporaryFile([UInt8](repeating: 0, count: 64 * 512))
        let (serial, console) = (ConsoleOutput(), ConsoleOutput())
        let control = MachineControl()
        let isOver = Atomic<Bool>(false)
        let pauses = Atomic<Int>(0)
        let wrong = Atomic<Int>(0)
        let run: GuestRun
        let pauser = Self.pause(control, seed: UInt64(vcpus)) {
            isOver.load(ordering: .relaxed)
        } whilePaused: {
            let before = (serial.progress, console.progress)
            usleep(100)
            if (serial.progress, console.progress) != before { wrong.add(1, ordering: .relaxed) }
            pauses.add(1, ordering: .relaxed)
        }
        defer {
            isOver.store(true, ordering: .relaxed)
            pauser.join()
        }
        run = try GuestRun(guest: "long-mix.elf") {
            $0.vcpuCount = vcpus
            $0.commandLine = "rounds=\(rounds)" + (vcpus > 1 ? " cpus=\(vcpus)" : "")
            $0.control = control
            $0.setSerial { $0.output = serial }
            $0.devices += [
                .virtioConsole(VirtioConsoleConfiguration(output: console)),
                .disk(DiskConfiguration(path: file.path)),
            ]
        }
        let last = "mix: \(rounds) rounds of uart virtio disk sleep, nothing wrong\n"
        let text = String(decoding: serial.collected, as: UTF8.self)
        #expect(run.reason == .exited(status: 0), "\(text.suffix(200))")
        #expect(text == MixGuest.lines("uart", 0, rounds) + last)
        #expect(String(decoding: console.collected, as: UTF8.self) == MixGuest.lines("virtio", 1, 64 * rounds))
        #expect(try FileBytes.read(file.path) == MixGuest.disk(rounds: rounds))
        let seen = (wrong: wrong.load(ordering: .relaxed), pauses: pauses.load(ordering: .relaxed))
        #expect(seen.wrong == 0)
        #expect(seen.pauses > 0)
    }

    @Test("two that pause at once both find the devices quiet, and a stop ends the pause")
    func twoAtOnce() throws {
        let control = MachineControl()
        let loop = try EventLoop()
        try loop.start()
        defer { #expect(loop.end(patience: .max)) }
        control.add([loop])
        let isHeld = Monitor(false)
        let mayEnd = Monitor(false)
        let quiet = Atomic<Int>(0)
        loop.post {
            isHeld.change { $0 = true }
            _ = mayEnd.wait { $0 ? true : nil }
        }
        _ = isHeld.wait { $0 ? true : nil }
        let pausers = (0..<2).map { _ in
            HostThread {
                control.pause()
                quiet.add(mayEnd.change { $0 } ? 1 : 100, ordering: .sequentiallyConsistent)
            }
        }
        usleep(20_000)
        mayEnd.change { $0 = true }
        for pauser in pausers { pauser.join() }
        let seen = quiet.load(ordering: .sequentiallyConsistent)
        #expect(seen == 2)
        let isCalled = Atomic<Bool>(false)
        loop.post { isCalled.store(true, ordering: .sequentiallyConsistent) }
        usleep(5_000)
        let isCalledEarly = isCalled.load(ordering: .sequentiallyConsistent)
        #expect(!isCalledEarly)
        control.endPause()
        #expect(eventually { isCalled.load(ordering: .sequentiallyConsistent) })
    }

    @Test("a guest that floods a device stands still, and its device with it")
    func flood() throws {
        var configuration = MachineConfiguration(image: .file(Guests.path("long-virtio-flood.elf")))
        configuration.timeout = TestScale.patience
        // The end of a guest takes back a pause: it is not to end meanwhile.
        configuration.commandLine = "spin"
        let pipe = HostPipe()
        let reader = HostThread { while !pipe.read(upTo: 1 << 20).isEmpty {} }
        let output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        configuration.devices.append(.virtioConsole(VirtioConsoleConfiguration(output: output)))
        let control = MachineControl()
        configuration.control = control
        let machine = try VirtualMachine(configuration)
        let parts = machine.parts
        let wrong = Atomic<Int>(0)
        let pauser = HostThread {
            var random = SplitMix64(seed: 3)
            func count() -> UInt64 { parts.devices.compactMap { $0.report.consoleBytes }.reduce(0, &+) }
            _ = eventually { count() > 1 << 20 }
            for _ in 0..<TestScale.count(300) {
                usleep(UInt32.random(in: 0...500, using: &random))
                control.pause()
                let before = count()
                usleep(200)
                if count() != before { wrong.add(1, ordering: .relaxed) }
                control.resume()
                if !eventually({ count() != before }) { wrong.add(1, ordering: .relaxed) }
            }
            control.stop()
        }
        let finished = machine.run()
        #expect(try finished.reason == .stopped)
        pauser.join()
        pipe.writeEnd.close()
        reader.join()
        let mistakes = wrong.load(ordering: .relaxed)
        #expect(mistakes == 0)
    }

    @Test("pauses, ends and readers that stop come in any order, and none waits for another", arguments: 1...12)
    func interleaved(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let pipe = HostPipe()
        var configuration = MachineConfiguration(
            image: .file(Guests.path("long-mix.elf")), output: ConsoleOutput(descriptor: pipe.writeEnd.number))
        configuration.commandLine = "rounds=60000" + (seed % 2 == 0 ? " cpus=4" : "")
        configuration.vcpuCount = seed % 2 == 0 ? 4 : 1
        configuration.timeout = TestScale.patience
        configuration.devices.append(.virtioConsole(VirtioConsoleConfiguration()))
        let control = MachineControl()
        configuration.control = control
        let machine = try VirtualMachine(configuration)
        let isStopped = Atomic<Bool>(false)
        // It reads, and rests.
        let reader = HostThread {
            var random = SplitMix64(seed: ~seed)
            while !pipe.read(upTo: Int.random(in: 1...20_000, using: &random)).isEmpty {
                if Int.random(in: 0..<20, using: &random) == 0 { usleep(20_000) }
            }
        }
        let steps = (0..<60).map { _ in Int.random(in: 0..<5, using: &random) }
        let stopper = HostThread {
            var pauses = 0
            for step in steps {
                switch step {
                case 0, 1:
                    control.pause()
                    pauses += 1
                case 2 where pauses > 0, 3 where pauses > 0:
                    control.resume()
                    pauses -= 1
                default: usleep(3_000)
                }
            }
            // With a pause that nobody takes back as well.
            control.stop()
            isStopped.store(true, ordering: .sequentiallyConsistent)
        }
        let finished = machine.run()
        #expect(try finished.reason == .stopped)
        stopper.join()
        let wasStopped = isStopped.load(ordering: .sequentiallyConsistent)
        #expect(wasStopped)
        pipe.writeEnd.close()
        reader.join()
    }

    @Test("a reader that takes nothing does not keep a machine that prints from being paused")
    func stuckReader() throws {
        let pipe = HostPipe()
        pipe.write([UInt8](repeating: 0, count: 65_536))
        let output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        // outb %al, $0xE9; jmp to it
        var configuration = MachineConfiguration(image: .bytes([0xE6, 0xE9, 0xEB, 0xFC]), output: output)
        configuration.timeout = TestScale.patience
        let control = MachineControl()
        configuration.control = control
        let machine = try VirtualMachine(configuration)
        let count = Atomic(0)
        let pauser = HostThread {
            _ = eventually { output.pendingCount > 0 }
            for _ in 0..<10 {
                // Until it waits for the reader again.
                usleep(20_000)
                control.pause()
                count.add(1, ordering: .relaxed)
                control.resume()
            }
            control.stop()
        }
        let finished = machine.run()
        #expect(try finished.reason == .stopped)
        pauser.join()
        let pauses = count.load(ordering: .relaxed)
        #expect(pauses == 10)
    }

    @Test("a deadline and a stop end a machine that is paused, before its guest has begun too")
    func endsWhilePaused() throws {
        for isStopped in [true, false] {
            var configuration = MachineConfiguration(image: .bytes([0xB0, 0x61, 0xE6, 0xE9, 0xEB, 0xFE]))
            let control = MachineControl()
            configuration.control = control
            configuration.timeout = isStopped ? TestScale.patience : .milliseconds(50)
            control.pause()
            let machine = try VirtualMachine(configuration)
            let stopper = HostThread {
                usleep(20_000)
                if isStopped { control.stop() }
            }
            let finished = machine.run()
            #expect(try finished.reason == (isStopped ? .stopped : .deadline))
            stopper.join()
            // It never ran.
            #expect(finished.report.exitCount <= 2)
            #expect(configuration.output.collected == [])
            control.pause()
            control.resume()
            control.resume()
        }
    }

    @Test("a guest that sleeps by hypercall is paused and resumed in the middle of its sleep")
    func sleeping() throws {
        let control = MachineControl()
        let isOver = Atomic<Bool>(false)
        let pauser = Self.pause(control, seed: 9) {
            isOver.load(ordering: .relaxed)
        } whilePaused: {
        }
        defer {
            isOver.store(true, ordering: .relaxed)
            pauser.join()
        }
        let run = try GuestRun(guest: "long-mix.elf") {
            $0.commandLine = "rounds=50"
            $0.control = control
        }
        #expect(run.text == MixGuest.lines("uart", 0, 50) + "mix: 50 rounds of uart sleep, nothing wrong\n")
    }
}
