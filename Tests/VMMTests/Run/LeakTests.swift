import Glibc
import LinuxHost
import TestSupport
import Testing
import VMM

@Suite("What a machine leaves behind", .requiresKVM)
struct LeakTests {
    /// What a process holds for good, from /proc: the least of several looks, because the runtime's own threads open a
    /// file now and then, for a moment, to see how busy the process is.
    private struct Holdings {
        var descriptors = Int.max
        var mappings = Int.max
        var threads = Int.max

        static func now() throws -> Holdings {
            var least = Holdings()
            for _ in 0..<10 {
                least.descriptors = min(least.descriptors, try entries("/proc/self/fd"))
                least.mappings = min(
                    least.mappings, try FileBytes.read("/proc/self/maps").count { $0 == UInt8(ascii: "\n") })
                least.threads = min(least.threads, try entries("/proc/self/task"))
                usleep(5_000)
            }
            return least
        }

        /// The status that tells what the process holds more of than before.
        ///
        /// - Parameter kept: how many descriptors more it may hold.
        func compare(to before: Holdings, kept: Int = 0) -> Int32 {
            // The runtime opens an event queue and a timer for good, when it first needs them, and starts threads for its own
            // work, each of which maps a stack and a heap. A leak would be hundreds.
            if descriptors > before.descriptors + kept + 8 { return 3 }
            if threads > before.threads + 16 { return 4 }
            return mappings <= before.mappings + 64 ? EXIT_SUCCESS : 5
        }

        private static func entries(_ path: String) throws -> Int {
            // SAFETY: the stream is read to its end and closed, by this function alone.
            guard let folder = unsafe opendir(path) else { throw FileBytes.Missing(path: path) }
            defer { unsafe closedir(folder) }
            var count = 0
            while unsafe readdir(folder) != nil { count += 1 }
            return count
        }
    }

    private static func bootAndDestroy(_ count: Int) throws {
        for _ in 0..<count {
            var configuration = MachineConfiguration(image: .bytes([0xF4]))
            configuration.timeout = TestScale.patience
            let machine = try VirtualMachine(configuration)
            guard try machine.run().reason == .halted else { exit(2) }
        }
    }

    /// In a process of its own, where nothing else opens, maps or starts anything.
    @Test("1,000 machines leave no descriptor, no mapping and no thread")
    func machines() async {
        await #expect(processExitsWith: .success) {
            // The first ones may load or map what stays for good.
            try Self.bootAndDestroy(10)
            let before = try Holdings.now()
            try Self.bootAndDestroy(TestScale.count(1_000))
            exit(try Holdings.now().compare(to: before))
        }
    }

    /// What a process makes of its signals: for each the handler, the flags, and whether the calling thread takes it. The signal that stops
    /// vCPUs is the library's own, as it says.
    private static func signals() -> [[UInt]] {
        var mask = sigset_t()
        // SAFETY: the calls fill structures that are the caller's own.
        unsafe pthread_sigmask(SIG_SETMASK, nil, &mask)
        return (1...64).filter { $0 != KickSignal.number }.map { signal in
            var action = sigaction()
            unsafe sigaction(signal, nil, &action)
            let handler = unsafe unsafeBitCast(action.__sigaction_handler, to: UInt.self)
            return [
                UInt(signal), handler, UInt(bitPattern: Int(action.sa_flags)), unsafe UInt(sigismember(&mask, signal)),
            ]
        }
    }

    /// As a server has them: in tasks, many at once, cancelled or ended by themselves.
    @Test("1,000 machines that tasks run leave threads, descriptors, signals and the terminal as they were")
    func inTasks() async {
        await #expect(processExitsWith: .success) {
            @Sendable func run(_ count: Int) async throws {
                for begin in stride(from: 0, to: count, by: 10) {
                    await withTaskGroup { group in
                        for index in begin..<min(count, begin + 10) {
                            group.addTask {
                                let name = index % 2 == 0 ? "spin.bin" : "real-hello.bin"
                                var configuration = MachineConfiguration(
                                    image: .file(Guests.path(name)), stream: GuestStream())
                                configuration.timeout = TestScale.patience
                                guard let finished = try? await VirtualMachine(configuration).run() else { exit(2) }
                                guard finished.failure == nil else { exit(6) }
                            }
                        }
                        group.cancelAll()
                    }
                }
            }
            let terminal = try PseudoTerminal()
            dup2(terminal.slave, STDIN_FILENO)
            try await run(20)
            let (before, signals, settings) = (try Holdings.now(), Self.signals(), terminal.settings)
            try await run(TestScale.count(1_000))
            guard Self.signals() == signals, terminal.settings == settings else { exit(7) }
            exit(try Holdings.now().compare(to: before))
        }
    }

    @Test("nor do machines with a virtio-console and its threads, whether or not they are run")
    func virtioConsoles() async {
        await #expect(processExitsWith: .success) {
            func run(_ count: Int) throws {
                for index in 0..<count {
                    var configuration = MachineConfiguration(image: .file(Guests.path("long-virtio-hello.elf")))
                    configuration.devices.append(
                        .virtioConsole(VirtioConsoleConfiguration(input: ConsoleInput([1, 2, 3]))))
                    configuration.interruptControllers = index % 3 == 0 ? .full : .none
                    configuration.timeout = TestScale.patience
                    let machine = try VirtualMachine(configuration)
                    if index % 2 == 0 { continue }
                    guard try machine.run().reason == .exited(status: 0) else { exit(2) }
                }
            }
            try run(10)
            let before = try Holdings.now()
            try run(TestScale.count(200))
            exit(try Holdings.now().compare(to: before))
        }
    }

    @Test("a control that is kept keeps nothing of its machine, whether or not that was run")
    func keptControls() async {
        await #expect(processExitsWith: .success) {
            func run(_ count: Int) throws -> [MachineControl] {
                try (0..<count).map { index in
                    let control = MachineControl()
                    var configuration = MachineConfiguration(image: .bytes([0xF4]))
                    configuration.devices.append(.entropy(EntropyConfiguration()))
                    configuration.devices.append(
                        .virtioConsole(VirtioConsoleConfiguration(input: ConsoleInput([1, 2, 3]))))
                    configuration.timeout = TestScale.patience
                    configuration.control = control
                    let machine = try VirtualMachine(configuration)
                    if index % 2 == 0 { return control }
                    guard try machine.run().reason == .halted else { exit(2) }
                    return control
                }
            }
            let first = try run(10)
            let before = try Holdings.now()
            let controls = try run(100)
            let after = try Holdings.now()
            // Each has a descriptor of its own.
            guard controls.allSatisfy({ $0.state != .ready }), first.count == 10 else { exit(6) }
            exit(after.compare(to: before, kept: controls.count))
        }
    }

    @Test("machines that cannot be made leave nothing either")
    func failures() async {
        await #expect(processExitsWith: .success) {
            let bad: [ImageSource] = [
                .bytes([]), .bytes([0x7F, 0x45, 0x4C, 0x46]), .file("/no/such/file"), .file("/"), .file("/dev/null"),
            ]
            func fail(_ count: Int) {
                for index in 0..<count {
                    _ = try? GuestRun(bad[index % bad.count])
                }
            }
            fail(10)
            let before = try Holdings.now()
            fail(TestScale.count(500))
            exit(try Holdings.now().compare(to: before))
        }
    }
}
