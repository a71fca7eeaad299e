import Glibc
import TestSupport
import Testing
import VMM

/// The bounds are ten times what is seen.
@Suite("A guest that offers a virtio-console far more than anybody reads", .requiresKVM, .serialized)
struct VirtioFloodTests {
    private static let bound = Duration.seconds(8) * TestScale.divisor

    private static func open(_ path: String, _ flags: Int32) throws -> Int32 {
        // SAFETY: a C string for the length of the call.
        let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        return descriptor
    }

    @Test("its deadline ends it, although a reader takes all that it can get", arguments: ["", "spin"])
    func deadline(commandLine: String) throws {
        let descriptor = try Self.open("/dev/null", O_WRONLY)
        defer { close(descriptor) }
        let start = ContinuousClock.now
        let run = try GuestRun(guest: "long-virtio-flood.elf") {
            $0.commandLine = commandLine
            $0.devices.append(.virtioConsole(VirtioConsoleConfiguration()))
            $0.output = ConsoleOutput(descriptor: descriptor)
            $0.timeout = .milliseconds(500)
        }
        #expect(run.reason == .deadline)
        #expect(ContinuousClock.now - start < Self.bound)
        #expect(run.report.unwrittenBytes > 1 << 30)
    }

    @Test("whoever stops it is obeyed", arguments: ["", "spin"])
    func stop(commandLine: String) throws {
        let pipe = HostPipe()
        var configuration = MachineConfiguration(
            image: .file(Guests.path("long-virtio-flood.elf")),
            output: ConsoleOutput(descriptor: pipe.writeEnd.number))
        configuration.commandLine = commandLine
        configuration.devices.append(.virtioConsole(VirtioConsoleConfiguration()))
        configuration.timeout = TestScale.patience
        var machine = try VirtualMachine(configuration)
        let handle = machine.control
        let time = Collected()
        let reader = HostThread {
            var count = 0
            while count < 10_000_000 { count += pipe.read(upTo: 1 << 20).count }
            handle.stop()
            let start = ContinuousClock.now
            // It goes on reading: that must not keep the run from ending.
            while !pipe.read(upTo: 1 << 20).isEmpty {}
            if ContinuousClock.now - start < Self.bound { time.store([1]) }
        }
        #expect(try machine.run() == .stopped)
        pipe.writeEnd.close()
        reader.join()
        #expect(time.bytes == [1])
        #expect(machine.report.unwrittenBytes > 1 << 30)
    }

    @Test("a file of any size that it reads does not hold up the end")
    func readsFile() throws {
        let path = "/tmp/swiftvmm-flood-\(getpid())"
        let descriptor = try Self.open(path, O_RDWR | O_CREAT)
        defer { close(descriptor) }
        // SAFETY: a C string for the length of the call.
        _ = unsafe unlink(path)
        // Without a byte on the disk.
        try #require(ftruncate(descriptor, 8 << 30) == 0)
        let start = ContinuousClock.now
        let run = try GuestRun(guest: "long-virtio-flood.elf") {
            $0.commandLine = "receive spin"
            $0.devices.append(.virtioConsole(VirtioConsoleConfiguration(input: ConsoleInput(descriptor: descriptor))))
            $0.timeout = .milliseconds(300)
        }
        #expect(run.reason == .deadline)
        #expect(ContinuousClock.now - start < Self.bound)
    }
}
