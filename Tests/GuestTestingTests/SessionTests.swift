import Glibc
import GuestTesting
import LinuxHost
import Synchronization
import SystemPackage
import Testing

@Suite("A dialogue with a guest", .requiresKVM)
struct SessionTests {
    /// Sends back what it gets, until Ctrl-D.
    private let echo = Guest.built("real-echo.bin")

    @Test("what a guest prints is waited for, each time behind what was waited for before")
    func dialogue() async throws {
        let session = echo.input("first ").start()
        #expect(try await session.wait(for: "ir") == "fir")
        session.send("second ")
        #expect(try await session.wait(for: "s") == "s")
        #expect(try await session.wait(for: "second") == "t second")
        session.send("\u{4}")
        try await session.finish().expect(output: "first second ", end: .halted)
        #expect(session.output == "first second ")
    }

    @Test("the virtio console takes part as the serial port does", arguments: Guest.Console.allCases)
    func consoles(console: Guest.Console) async throws {
        let guest = console == .serial ? echo : .built("long-virtio-echo.elf").console(.virtio)
        let session = guest.start()
        session.send("there")
        try await session.wait(for: "there")
        session.send(" and back\u{4}")
        let outcome = try await session.finish()
        #expect(outcome.text.hasPrefix("there and back"))
        try await guest.input("all at once\u{4}").run().expect(output: .containing("all at once"), end: outcome.reason)
    }

    @Test("a guest that ends without the text is a failure that says so")
    func endsEarly() async throws {
        let session = Guest.printing("login as: ", exit: 1).start()
        let failed = try #require(await failure { try await session.wait(for: "login: ") }).description
        #expect(failed.contains(#"it did not print "login: ""#), "\(failed)")
        #expect(failed.contains("\nend: the guest ended with status 1\noutput:\n  | login as: \n"), "\(failed)")
    }

    @Test("the deadline ends a wait")
    func deadline() async throws {
        let session = echo.deadline(.milliseconds(1)).start()
        let failed = try #require(await failure { try await session.wait(for: "never") })
        #expect(failed.outcome?.reason == .deadline)
    }

    @Test("a guest that goes on for ever can be stopped")
    func stops() async throws {
        let session = Guest.built("spin.bin").start()
        session.stop()
        try await session.finish().expect(end: .stopped)
    }

    @Test("many at once take none of Swift's threads")
    func manyAtOnce() async throws {
        // Each waits for what is sent to it when all have begun to wait.
        let sessions = (0..<16).map { _ in echo.input("begun").start() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for session in sessions {
                group.addTask {
                    try await session.wait(for: "begun")
                    try await session.wait(for: "end")
                }
            }
            group.addTask { for session in sessions { session.send("end") } }
            try await group.waitForAll()
        }
    }

    @Test("a task that is cancelled stops its guest", arguments: [true, false])
    func cancellation(isDialogue: Bool) async throws {
        let ended = EndSignal()
        let guest = Guest.built("spin.bin").configure { $0.attachments.append(ended) }
        let task = Task {
            await failure {
                if isDialogue {
                    try await guest.start().wait(for: "never")
                } else {
                    try await guest.expect(exit: 0).text
                }
            }
        }
        await ended.begun()
        task.cancel()
        let failed = try #require(await task.value)
        #expect(failed.what == "its test was cancelled")
        #expect(failed.outcome?.reason == .stopped)
    }

    @Test("an image that nobody writes is waited for until the deadline")
    func pipe() async throws {
        let pipe = try NamedPipe()
        let guest = Guest(pipe.path).deadline(.milliseconds(50))
        let failed = try #require(await failure { try await guest.run() })
        #expect(failed.what == "cannot boot \(pipe.path): the deadline passed before all of it had come")
        #expect(failed.outcome == nil)
    }

    @Test("a task that is cancelled waits for no image")
    func cancelledPipe() async throws {
        let pipe = try NamedPipe()
        let task = Task { await failure { try await Guest(pipe.path).deadline(.seconds(600)).run() } }
        let writer = try await pipe.openedForReading()
        defer { try? writer.close() }
        task.cancel()
        let failed = try #require(await task.value)
        #expect(failed.what == "cannot boot \(pipe.path): the machine was stopped before all of it had come")
    }

    @Test("a guest whose session nobody has any more is stopped")
    func dropped() async throws {
        let ended = EndSignal()
        do {
            let session = Guest.built("spin.bin").configure { $0.attachments.append(ended) }.start()
            await ended.begun()
            _ = session
        }
        await ended.ended()
    }
}

/// In the system's folder for such things; removed with this object.
private final class NamedPipe: Sendable {
    let path = "/tmp/guest-testing-\(UInt64.random(in: 0 ... .max))"

    init() throws {
        // SAFETY: a C string for the length of the call.
        try #require(unsafe mkfifo(path, 0o600) == 0)
    }

    deinit {
        // SAFETY: as above.
        _ = unsafe unlink(path)
    }

    /// Its other end, when someone has opened it to read.
    func openedForReading() async throws -> FileDescriptor {
        while true {
            do { return try FileDescriptor.open(FilePath(path), .writeOnly, options: .nonBlocking) } catch Errno
                .noSuchAddressOrDevice
            {
                try await Task.sleep(for: .milliseconds(1))
            }
        }
    }
}

/// Tells when a machine's run has begun, and when it is over.
private final class EndSignal: MachineAttachment {
    private let (beginnings, began) = AsyncStream.makeStream(of: Void.self)
    private let (ends, hasEnded) = AsyncStream.makeStream(of: Void.self)

    func begin(on loop: EventLoop) throws(HostError) { began.finish() }
    func end() { hasEnded.finish() }

    func begun() async { for await _ in beginnings {} }
    func ended() async { for await _ in ends {} }
}
