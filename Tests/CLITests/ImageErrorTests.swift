import TestSupport
import Testing

@Suite("Images that cannot be booted", .requiresAnyKVM)
struct ImageErrorTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    @Test("a file that does not exist")
    func missing() async throws {
        expectRefusal(
            try await scratch.swiftvmm("run", "no/such.bin"), 66,
            "cannot boot no/such.bin: No such file or directory; check its name")
    }

    @Test("a directory")
    func directory() async throws {
        try scratch.makeFolder("folder")
        expectRefusal(
            try await scratch.swiftvmm("run", "folder"), 66,
            "cannot boot folder: it is a directory; give the file of a guest")
    }

    @Test("an empty file")
    func empty() async throws {
        try scratch.write([], to: "empty.bin")
        expectRefusal(
            try await scratch.swiftvmm("run", "empty.bin"), 66,
            "cannot boot empty.bin: the file is empty; give the file of a guest")
    }

    @Test("a device")
    func device() async throws {
        expectRefusal(
            try await scratch.swiftvmm("run", "/dev/zero"), 66,
            "cannot boot /dev/zero: it is a device; give the file of a guest")
    }

    @Test("an image that is larger than RAM, by one byte; with that byte less it runs")
    func larger() async throws {
        let room = (1 << 20) - 0x7C00
        try scratch.write(TinyGuest.halt + [UInt8](repeating: 0, count: room), to: "large.bin")
        expectRefusal(
            try await scratch.swiftvmm("run", "large.bin", "--memory", "1M"), 66,
            "cannot boot large.bin: it has \(room + 1) bytes, and the RAM where it is loaded only \(room); "
                + "give more with --memory")
        expectSuccess(try await scratch.swiftvmm("run", "large.bin", "--memory", "2M"), "")
        try scratch.write(TinyGuest.halt + [UInt8](repeating: 0, count: room - 1), to: "large.bin")
        expectSuccess(try await scratch.swiftvmm("run", "large.bin", "--memory", "1M"), "")
    }

    @Test("a flat image where no RAM is")
    func noRoom() async throws {
        try scratch.write(TinyGuest.halt, to: "guest.bin")
        expectRefusal(
            try await scratch.swiftvmm("run", "guest.bin", "--mode", "long", "--memory", "1M"), 66,
            "cannot boot guest.bin: it has 1 bytes, and the RAM where it is loaded only 0; give more with --memory")
    }

    @Test("an ELF file that was asked for, and is none")
    func notELF() async throws {
        try scratch.write([UInt8](repeating: 0, count: 100), to: "guest.bin")
        let outcome = try await scratch.swiftvmm("run", "guest.bin", "--format", "elf")
        #expect(outcome.status == 66, "\(outcome)")
        #expect(outcome.errors.hasPrefix("swiftvmm: cannot boot guest.bin: it does not begin with ELF's magic number"))
    }
}
