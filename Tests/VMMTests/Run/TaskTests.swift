import FoundationEssentials
import Glibc
import SystemPackage
import TestSupport
import Testing
import VMM

/// Machines that Swift's tasks run.
@Suite("A machine that a task runs", .requiresKVM)
struct TaskTests {
    private static func spinning(_ control: MachineControl? = nil) async throws(VMMError) -> VirtualMachine {
        var configuration = MachineConfiguration(image: .file(Guests.path("spin.bin")))
        configuration.memorySize = 1 << 20
        configuration.timeout = TestScale.patience
        configuration.control = control
        return try await VirtualMachine(configuration)
    }

    private static func halting() throws(VMMError) -> VirtualMachine {
        try VirtualMachine(MachineConfiguration(image: .bytes([0xF4])))
    }

    @Test("ends as one that a thread runs, and leaves its output, registers, memory and report")
    func ends() async throws {
        // movb $'A', %al; outb %al, $0xE9; movb %al, 0x8000; hlt
        let configuration = MachineConfiguration(image: .bytes([0xB0, 0x41, 0xE6, 0xE9, 0xA2, 0x00, 0x80, 0xF4]))
        let finished = try await VirtualMachine(configuration).run()
        #expect(try finished.reason == .halted)
        #expect(finished.failure == nil)
        #expect(configuration.output.collected == [0x41])
        let state = try #require(try finished.snapshots()[0])
        #expect(state.registers.rax & 0xFF == 0x41)
        #expect(try finished.memory.read(at: 0x8000, count: 2) == [0x41, 0])
        #expect(finished.report.exitsByKind["portWrite"] == 1)
    }

    /// In a process of its own, where no other test takes the threads that tasks share.
    @Test("two hundred that spin end when they are cancelled, and other tasks run meanwhile")
    func cancelled() async {
        await #expect(processExitsWith: .success) {
            let controls = (0..<TestScale.count(200)).map { _ in MachineControl() }
            let reasons = try await withThrowingTaskGroup(of: StopReason?.self) { group in
                for control in controls { group.addTask { try await Self.spinning(control).run().reason } }
                for control in controls {
                    for await state in control.states where state == .running { break }
                }
                // Would never come to run if machines took the threads of tasks.
                group.addTask {
                    for _ in 0..<10 { try await Task.sleep(for: .milliseconds(1)) }
                    return nil
                }
                guard try await group.next() == .some(nil) else { exit(2) }
                group.cancelAll()
                return try await group.reduce(into: []) { $0.append($1) }
            }
            exit(reasons == controls.map { _ in .stopped } ? EXIT_SUCCESS : 3)
        }
    }

    @Test("one that was cancelled before ends at once")
    func cancelledBefore() async throws {
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await Self.spinning().run()
        }
        task.cancel()
        let finished = try await task.value
        #expect(try finished.reason == .stopped)
        #expect(finished.report.exitCount <= 1)
    }

    @Test("is made without a thread of tasks, and no longer waits for its image when the task is cancelled")
    func cancelledWaiting() async throws {
        let pipe = HostPipe()
        let path = "/proc/self/fd/\(pipe.readEnd.number)"
        let tasks = (0..<50).map { _ in
            Task { _ = try await VirtualMachine(MachineConfiguration(image: .file(path))) }
        }
        // Would never go on if the wait kept its thread.
        for _ in 0..<10 { try await Task.sleep(for: .milliseconds(1)) }
        for task in tasks { task.cancel() }
        for task in tasks {
            await #expect(throws: VMMError.image(name: path, .stopped)) { try await task.value }
        }
    }

    /// In a process of its own, in which no thread fits into memory from then on.
    @Test("that cannot be made or run for want of a thread tells all who follow it")
    func noThread() async {
        await #expect(processExitsWith: .success) {
            alarm(600)
            let (control, stream) = (MachineControl(), GuestStream())
            var configuration = MachineConfiguration(image: .bytes([0xF4]), stream: stream)
            configuration.control = control
            // Without a thread, whose stack the C library would keep for the next.
            let other = try Self.halting()
            // A thread's stack takes 2 MiB at least.
            let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ").first
            let size = try #require(pages.flatMap { UInt($0) }) * 4096 + 1 << 20
            var limit = rlimit(rlim_cur: size, rlim_max: size)
            guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else { exit(2) }
            do throws(VMMError) {
                _ = try await VirtualMachine(configuration)
                exit(3)
            } catch let error {
                guard case .host = error, control.state == .failed(error) else { exit(4) }
            }
            for await _ in stream.lines { exit(5) }
            guard case .host? = await other.run().failure else { exit(6) }
            exit(EXIT_SUCCESS)
        }
    }

    @Test("one that is cancelled leaves another machine alone whose control it was given")
    func cancelledSecond() async throws {
        let control = MachineControl()
        let first = Task { try await Self.spinning(control).run().reason }
        for await state in control.states where state == .running { break }
        let second = Task {
            while !Task.isCancelled { await Task.yield() }
            _ = try await Self.spinning(control)
        }
        second.cancel()
        await #expect(throws: VMMError.self) { try await second.value }
        #expect(control.state == .running)
        first.cancel()
        #expect(try await first.value == .stopped)
    }

    private actor Owner {
        private let control = MachineControl()

        func run() async throws -> StopReason {
            try await TaskTests.spinning(control).run().reason
        }

        func stop() { control.stop() }
        func isRunning() -> Bool { control.state == .running }
    }

    @Test("can be stopped by the actor that has it")
    func actor() async throws {
        let owner = Owner()
        async let reason = owner.run()
        while await !owner.isRunning() { await Task.yield() }
        await owner.stop()
        #expect(try await reason == .stopped)
    }

    @Test("leaves its registers and its report where the host failed, too")
    func failed() async throws {
        // movb $'x', %al; again: outb %al, $0xE9; jmp again
        var configuration = MachineConfiguration(
            image: .bytes([0xB0, 0x78, 0xE6, 0xE9, 0xEB, 0xFC]), output: ConsoleOutput(collectingUpTo: 1000))
        configuration.timeout = TestScale.patience
        let finished = try await VirtualMachine(configuration).run()
        #expect(finished.failure == .output(.noSpace))
        #expect(throws: VMMError.output(.noSpace)) { try finished.reason }
        let state = try #require(try finished.snapshots()[0])
        #expect(state.registers.rax & 0xFF == 0x78)
        #expect(finished.report.unwrittenBytes > 0)
    }
}
