import Glibc
import Synchronization
import TestSupport
import Testing

@testable import VMM

@Suite("Several vCPUs", .requiresKVM)
struct SeveralCPUsTests {
    private static func configuration(_ count: Int, _ commandLine: String) -> MachineConfiguration {
        var configuration = MachineConfiguration(image: .file(Guests.path("long-cpus.elf")))
        configuration.vcpuCount = count
        configuration.commandLine = commandLine
        configuration.timeout = TestScale.patience
        return configuration
    }

    @Test("all run, and when all sleep for good the run ends as halted", arguments: [1, 2, 3, 8])
    func sleeps(count: Int) throws {
        let run = try GuestRun(guest: "long-cpus.elf") {
            $0.vcpuCount = count
            $0.interruptControllers = .full
            $0.commandLine = "\(count)"
        }
        #expect(run.reason == .halted)
        #expect(run.text == (0..<count).map { "vCPU \($0)\n" }.joined() + "\(count) vCPUs are asleep\n")
    }

    @Test("those that were never started count as asleep")
    func neverStarted() throws {
        let run = try GuestRun(guest: "sleep-forever.elf") { $0.vcpuCount = 4 }
        #expect(run.reason == .halted)
    }

    @Test("what they print keeps each one's order, also when the serial port's bytes begin to wait in the ring")
    func order() throws {
        for _ in 0..<TestScale.count(30) {
            let run = try GuestRun(guest: "long-cpus.elf") {
                $0.vcpuCount = 2
                $0.commandLine = "2 and order"
            }
            #expect(run.reason == .exited(status: 0))
            #expect(run.report.coalescedWrites > 0)
            let own = run.output.filter { [UInt8(ascii: "a"), UInt8(ascii: "b")].contains($0) }
            let expected = [[UInt8]](repeating: Array("ab".utf8), count: 500).flatMap { $0 }
            #expect(own.prefix(1_000) == expected[...])
            #expect(run.output.count { $0 == UInt8(ascii: ".") } == 200)
        }
    }

    /// Without that, the other vCPU's own look each second would show it.
    @Test(
        "what one prints is seen soon, also while the one that looks after the ring sleeps by hypercall", .tags(.timed))
    func ringWhileAsleep() throws {
        let limit = Duration.milliseconds(500) * TestScale.divisor
        var least = Duration.seconds(3600)
        for _ in 0..<5 where least > limit {
            let wait = ProcessorWait()
            let time = try Self.timeToSee("x", "2 and rest")
            least = min(least, time - wait.end() * 4)
        }
        // Seen: 60 ms. The least of some, less what the threads waited for a processor: other work on the machine does not count.
        #expect(least < limit)
    }

    /// How long a run takes that is stopped when this was printed.
    private static func timeToSee(_ text: String, _ commandLine: String) throws -> Duration {
        let pipe = HostPipe()
        var configuration = configuration(2, commandLine)
        configuration.output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        let machine = try VirtualMachine(configuration)
        let handle = machine.control
        let received = Collected()
        let reader = HostThread {
            while !String(decoding: received.bytes, as: UTF8.self).contains(text) {
                let bytes = pipe.read(upTo: 4_096)
                if bytes.isEmpty { return }
                received.append(bytes)
            }
            handle.stop()
        }
        let start = ContinuousClock.now
        let finished = machine.run()
        #expect(try finished.reason == .stopped)
        let time = ContinuousClock.now - start
        pipe.writeEnd.close()
        reader.join()
        #expect(finished.report.coalescedWrites > 30)
        return time
    }

    @Test("all of them that print can be stopped, whether or not anyone reads", arguments: [true, false])
    func stops(isRead: Bool) throws {
        let pipe = HostPipe()
        var configuration = Self.configuration(4, "4 and print")
        configuration.output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        let machine = try VirtualMachine(configuration)
        let handle = machine.control
        let reader = HostThread {
            guard isRead else { return }
            while !pipe.read(upTo: 65_536).isEmpty {}
        }
        let stopper = HostThread {
            usleep(300_000)
            handle.stop()
        }
        let finished = machine.run()
        #expect(try finished.reason == .stopped)
        stopper.join()
        pipe.writeEnd.close()
        reader.join()
    }

    /// A vCPU that is asleep when it is looked at may have been woken a moment before, by one that is asleep a moment later.
    @Test("those that wake each other are never taken for asleep, however often they are looked at")
    func wakeEachOther() throws {
        let configuration = Self.configuration(4, "4 and wake")
        let output = configuration.output
        let machine = try VirtualMachine(configuration)
        let (control, handle) = (machine.parts.control, machine.control)
        let looker = HostThread {
            // When two are asleep for good, for five seconds more.
            var end: ContinuousClock.Instant?
            while !control.hasEnded {
                control.kickAll()
                usleep(300)
                if String(decoding: output.collected, as: UTF8.self).hasSuffix("\n4 vCPUs are asleep\n") {
                    end = end ?? .now + .seconds(5)
                }
                if let end, .now > end { handle.stop() }
            }
        }
        let finished = machine.run()
        let reason = try finished.reason
        looker.join()
        #expect(reason == .stopped, "\(String(decoding: output.collected, as: UTF8.self))")
        // As often as the vCPUs were looked at: not so seldom that the test says nothing.
        #expect(finished.report.exitsByKind["interrupted"] ?? 0 > 1_000 / UInt64(TestScale.divisor))
    }

    @Test("one that ends the run ends it for all, whatever the others do")
    func oneEndsAll() throws {
        // vCPU 0 waits for a fifth that is not there; 1 to 3 sleep.
        var configuration = Self.configuration(4, "5")
        configuration.timeout = .milliseconds(300)
        let machine = try VirtualMachine(configuration)
        let finished = machine.run()
        #expect(try finished.reason == .deadline)
        configuration.timeout = TestScale.patience
        let other = try VirtualMachine(configuration)
        let handle = other.control
        let stopper = HostThread {
            usleep(50_000)
            handle.stop()
        }
        let otherFinished = other.run()
        #expect(try otherFinished.reason == .stopped)
        stopper.join()
    }

    @Test("a guest that ends by an exit port ends the others too")
    func exits() throws {
        // The command line asks for none: the guest says so and ends with 1, while three wait to be started.
        let run = try GuestRun(guest: "long-cpus.elf") {
            $0.vcpuCount = 4
            $0.commandLine = "none"
        }
        #expect(run.reason == .exited(status: 1))
    }

    @Test("without interrupt controllers there can be no second one")
    func needsControllers() {
        #expect(
            throws: VMMError.configuration(
                "2 vCPUs need interrupt controllers, by which the first starts the others; ask for full ones or for one vCPU"
            )
        ) {
            _ = try GuestRun(guest: "sleep-forever.elf") {
                $0.vcpuCount = 2
                $0.interruptControllers = .none
            }
        }
    }

    @Test("there is at least one, and no more than the host gives", arguments: [-1, 0, 256, 100_000])
    func count(_ count: Int) {
        #expect {
            _ = try GuestRun(guest: "sleep-forever.elf") { $0.vcpuCount = count }
        } throws: { error in
            guard case VMMError.configuration(let text) = error else { return false }
            return text.hasPrefix("\(count) vCPUs are not to be had; ") && text.contains(" 1 to ")
        }
    }

    /// In a process of its own, where no other test starts or opens anything.
    @Test("nothing is left of them: no thread, no descriptor")
    func leavesNothing() async {
        await #expect(processExitsWith: .success) {
            func count(_ folder: String) -> Int {
                var count = 0
                // SAFETY: a C string for the length of the call; the entries are only counted.
                guard let directory = unsafe opendir("/proc/self/\(folder)") else { return 0 }
                while unsafe readdir(directory) != nil { count += 1 }
                unsafe closedir(directory)
                return count
            }
            // The runtime has threads and descriptors of its own, and not always as many: the least that is seen must not grow.
            var least: [(threads: Int, descriptors: Int)] = []
            for _ in 0..<3 {
                var (threads, descriptors) = (Int.max, Int.max)
                for _ in 0..<10 {
                    let run = try GuestRun(guest: "long-cpus.elf") {
                        $0.vcpuCount = 8
                        $0.commandLine = "none"
                    }
                    guard run.reason == .exited(status: 1) else { exit(2) }
                    threads = min(threads, count("task"))
                    descriptors = min(descriptors, count("fd"))
                }
                least.append((threads, descriptors))
            }
            if least[2].threads >= least[0].threads + 20 { exit(3) }
            exit(least[2].descriptors < least[0].descriptors + 20 ? EXIT_SUCCESS : 4)
        }
    }
}
