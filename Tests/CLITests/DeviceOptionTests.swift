import Glibc
import TestSupport
import Testing

@Suite("--serial2, --console and --disk", .requiresKVM)
struct DeviceOptionTests {
    private let scratch: Scratch
    private let com2 = Guests.path("long-com2.elf")

    init() throws {
        scratch = try Scratch()
    }

    @Test("the second serial port gets standard input if that is asked for, and no other then")
    func standardInput() async throws {
        try scratch.write(Array("words\u{4}rest".utf8), to: "input")
        let outcome = try await scratch.swiftvmm("run", com2, "--console", "uart2", redirection: "<input")
        expectSuccess(outcome, "COM1 speaks\nCOM2 speaks\nwords")
    }

    @Test("it has an end of its own, and the first one keeps standard input")
    func ownEnd() async throws {
        let listener = try SocketListener(scratch.path(of: "line"))
        let outcome = try await scratch.talk("run", com2, "--serial2", "unix:line") { session in
            let line = try await listener.accept()
            try await line.wait(for: "COM2 speaks\n")
            try await session.type("theirs\u{4}")
            try line.send("words\u{4}")
            try await line.wait(for: "COM2 speaks\nwords")
            try await session.readToEnd()
        }
        expectSuccess(outcome, "COM1 speaks\n")
    }

    @Test("what nobody has read of its pseudo-terminal is told at the end")
    func unreadRest() async throws {
        let scratch = scratch
        // Waits for input, as the loop's last two bytes go back to the IN; then speaks.
        let guest = try scratch.write(
            TinyGuest.read(0x2FD) + [0xA8, 1, 0x74, 0xFB] + "seven b".utf8.flatMap { TinyGuest.out(0x2F8, $0) }
                + TinyGuest.halt, to: "guest.bin")
        let outcome = try await scratch.talk("run", guest, "--serial2", "pty", redirection: "2>errors") { session in
            let prefix = "swiftvmm: the second serial port is at "
            let end = ContinuousClock.now + TestScale.patience
            var text = ""
            while !text.contains("\n") {
                try #require(ContinuousClock.now < end, "no path")
                try await Task.sleep(for: .milliseconds(5))
                text = (try? scratch.text("errors")) ?? ""
            }
            try #require(text.hasPrefix(prefix), "\(text)")
            let user = try HostLine(opening: String(text.dropFirst(prefix.count).prefix { $0 != "\n" }))
            try user.send("x")
            // It has the terminal open, and reads nothing.
            try await session.readToEnd()
            user.close()
        }
        #expect(outcome.status == 0, "\(outcome)")
        let errors = try scratch.text("errors")
        #expect(errors.hasSuffix("\nswiftvmm: 7 bytes of the second serial port were not taken by their reader\n"))
    }

    @Test("disks are the guest's in the order in which they are given")
    func diskOrder() async throws {
        for name in ["one", "two"] { try scratch.write([UInt8](repeating: 0, count: 8 * 512), to: name) }
        let outcome = try await scratch.swiftvmm(
            "run", Guests.path("long-virtio-blk.elf"), "--disk", "one", "--disk", "two,ro")
        expectSuccess(
            outcome, "disk: 8 sectors, \"disk0\"\ndisk: 8 sectors written, flushed, read back and verified\n")
        #expect(try scratch.read("one") != scratch.read("two"))
        #expect(try scratch.read("two") == [UInt8](repeating: 0, count: 8 * 512))
        // What was written is there for the next run, which may only read it.
        let again = try await scratch.swiftvmm(
            "run", Guests.path("long-virtio-blk.elf"), "--disk", "one,ro", "--cmdline", "verify")
        expectSuccess(again, "disk: 8 sectors, \"disk0\", read-only\ndisk: 8 sectors read and verified\n")
    }

    @Test("a file that is written is one disk's alone; one that is only read may be several disks'")
    func oneFile() async throws {
        try scratch.write([UInt8](repeating: 0, count: 8 * 512), to: "disk")
        let guest = try scratch.write(TinyGuest.halt, to: "guest.bin")
        expectRefusal(
            try await scratch.swiftvmm("run", guest, "--disk", "disk", "--disk", "./disk"), 64,
            "--disk disk and --disk ./disk are one file; name two")
        expectRefusal(
            try await scratch.swiftvmm("run", guest, "--disk", "disk,ro", "--disk", "disk"), 64,
            "--disk disk and --disk disk are one file; name two")
        expectRefusal(
            try await scratch.swiftvmm("run", guest, "--disk", "disk,ro", "--serial2", "file:disk"), 64,
            "--serial2 file:disk and --disk disk are one file; name two")
        expectSuccess(try await scratch.swiftvmm("run", guest, "--disk", "disk,ro", "--disk", "disk,ro"), "")
    }
}
