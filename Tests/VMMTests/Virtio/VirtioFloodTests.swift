import Glibc
import TestSupport
import Testing
import VMM

/// What it offers would take hours, and what it is given without an end: that a run ends at all, with much of it left, is the point.
@Suite("A guest that offers a virtio-console far more than anybody reads", .requiresKVM, .serialized)
struct VirtioFloodTests {
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
        var timeout = Duration.milliseconds(500)
        while true {
            let run = try GuestRun(guest: "long-virtio-flood.elf") {
                $0.commandLine = commandLine
                $0.devices.append(.virtioConsole(VirtioConsoleConfiguration()))
                $0.output = ConsoleOutput(descriptor: descriptor)
                $0.timeout = timeout
            }
            #expect(run.reason == .deadline)
            timeout = timeout * 4
            // On a busy machine it may be over before the guest has begun: then with more time.
            if run.report.consoleBytes["virtio-console"] == 0, timeout < TestScale.patience { continue }
            #expect(run.report.unwrittenBytes > 1 << 30)
            return
        }
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
        let machine = try VirtualMachine(configuration)
        let handle = machine.control
        let reader = HostThread {
            var count = 0
            while count < 10_000_000 { count += pipe.read(upTo: 1 << 20).count }
            handle.stop()
            // It goes on reading: that must not keep the run from ending.
            while !pipe.read(upTo: 1 << 20).isEmpty {}
        }
        let finished = machine.run()
        #expect(try finished.reason == .stopped)
        pipe.writeEnd.close()
        reader.join()
        #expect(finished.report.unwrittenBytes > 1 << 30)
    }

    @Test("a file of any size that it reads does not hold up the end")
    func readsFile() throws {
        let path = "/tmp/swiftvmm-flood-\(getpid())"
        let descriptor = try Self.open(path, O_RDWR | O_CREAT)
        defer { close(descriptor) }
        // SAFETY: a C string for the length of the call.
        _ = unsafe unlink(path)
        // Without a byte on the disk.
        let size = 8 << 30
        try #require(ftruncate(descriptor, size) == 0)
        let run = try GuestRun(guest: "long-virtio-flood.elf") {
            $0.commandLine = "receive spin"
            $0.devices.append(.virtioConsole(VirtioConsoleConfiguration(input: ConsoleInput(descriptor: descriptor))))
            $0.timeout = .milliseconds(300)
        }
        #expect(run.reason == .deadline)
        // The machine reads by a descriptor of its own, or by this one.
        #expect(lseek(descriptor, 0, SEEK_CUR) < size)
    }

    @Test("chains without output, in the queues of all ports there can be, are given back")
    func empty() throws {
        let run = try Self.offerEmptyChains(of: 1024)
        #expect(run.report.devices.compactMap(\.fault).isEmpty)
        #expect(run.report.unwrittenBytes == 0)
    }

    @Test("a chain that is longer than any may be is refused in words")
    func tooLong() throws {
        let run = try Self.offerEmptyChains(of: 65_536)
        let faults = run.report.devices.compactMap(\.fault)
        #expect(faults.count == 1)
        #expect(faults.allSatisfy { $0.contains("the chain has not ended after 1024 descriptors") }, "\(faults)")
    }

    /// On a console with all ports there can be.
    private static func offerEmptyChains(of bufferCount: Int) throws -> GuestRun {
        let ports = (1...VirtioPortConfiguration.limit).map { VirtioPortConfiguration(name: "port\($0)") }
        let run = try GuestRun(guest: "long-virtio-flood.elf") {
            $0.commandLine = "empty=\(bufferCount)"
            $0.devices.append(.virtioConsole(VirtioConsoleConfiguration(ports: ports)))
            $0.timeout = TestScale.patience
        }
        #expect(run.reason == .exited(status: 0))
        return run
    }
}
