import Glibc
import KVM
import LinuxHost
import SystemPackage
import Testing

@testable import VMM

@Suite("Output in memory and to files")
struct ConsoleOutputTests {
    private static let noSpace = ConsoleOutput.FlushResult.failed(Errno(rawValue: ENOSPC))

    @Test("what is written is collected once it is flushed, in order")
    func collects() {
        let output = ConsoleOutput()
        output.write(Array("abc".utf8))
        #expect(output.collected == [])
        #expect(output.pendingCount == 3)
        #expect(output.flush { _ in true } == .done)
        #expect(output.collected == Array("abc".utf8))
        #expect(output.pendingCount == 0)
        output.write(Array("de".utf8))
        #expect(output.flush { _ in true } == .done)
        #expect(output.collected == Array("abcde".utf8))
    }

    @Test("flushing nothing does nothing, whatever the descriptor", arguments: [-1, 1_000_000] as [Int32])
    func nothingToFlush(descriptor: Int32) {
        #expect(ConsoleOutput(descriptor: descriptor).flush { _ in true } == .done)
    }

    @Test("output that is discarded is gone")
    func discards() {
        let output = ConsoleOutput.discarding()
        output.write(Array("abc".utf8))
        #expect(output.pendingCount == 3)
        #expect(output.flush { _ in true } == .done)
        #expect(output.pendingCount == 0)
        #expect(output.collected == [])
    }

    @Test("a pseudo-terminal that nobody has open loses output, where that is asked for")
    func pseudoTerminal() throws {
        let (first, path) = try TerminalMode.makePair()
        defer { close(first) }
        let open = {
            // SAFETY: the path is a C string for the length of the call. No other test's child is to have it open.
            unsafe Glibc.open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        }
        let other = open()
        try TerminalMode.makeTransparent(other)
        let output = ConsoleOutput(descriptor: first, discardsWhenHungUp: true)
        output.write([0x61])
        #expect(output.flush { _ in true } == .done)
        var byte: UInt8 = 0
        // SAFETY: one byte, the caller's own.
        #expect(unsafe read(other, &byte, 1) == 1)
        #expect(byte == 0x61)
        close(other)
        output.write([0x62])
        #expect(output.flush { _ in true } == .done)
        #expect(output.pendingCount == 0)
        // It comes to nobody who opens it later.
        let later = open()
        defer { close(later) }
        _ = fcntl(later, F_SETFL, O_NONBLOCK)
        // SAFETY: as above.
        #expect(unsafe read(later, &byte, 1) == -1 && errno == EAGAIN)
    }

    @Test("memory takes as much as its limit, and then is full like a disk")
    func limit() {
        let output = ConsoleOutput(collectingUpTo: 10)
        output.write([UInt8](0..<8))
        #expect(output.flush { _ in false } == .done)
        output.write([UInt8](8..<12))
        #expect(output.flush { _ in false } == Self.noSpace)
        #expect(output.collected == [UInt8](0..<10))
        #expect(output.pendingCount == 2)
        #expect(output.flush { _ in false } == Self.noSpace)
        #expect(output.collected.count == 10)
    }

    @Test("a limit may be met exactly, and may be nothing", arguments: [0, -1, .min])
    func edgesOfLimit(none: Int) {
        let exact = ConsoleOutput(collectingUpTo: 3)
        exact.write([1, 2, 3])
        #expect(exact.flush { _ in false } == .done)
        let empty = ConsoleOutput(collectingUpTo: none)
        #expect(empty.flush { _ in false } == .done)
        empty.write([1])
        #expect(empty.flush { _ in false } == Self.noSpace)
        #expect(empty.collected == [])
    }

    @Test("a file gets every byte, behind what it held")
    func file() throws {
        let file = TemporaryFile(Array("first ".utf8))
        // SAFETY: a C string for the length of the call.
        let descriptor = unsafe open(file.path, O_WRONLY | O_APPEND | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let output = ConsoleOutput(descriptor: descriptor)
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        output.write(bytes)
        #expect(output.flush { _ in false } == .done)
        #expect(try FileBytes.read(file.path) == Array("first ".utf8) + bytes)
    }

    @Test("a full disk is an error, and what it did not take is still counted")
    func fullDisk() throws {
        // SAFETY: a C string for the length of the call.
        let descriptor = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let output = ConsoleOutput(descriptor: descriptor)
        output.write([1, 2, 3])
        #expect(output.flush { _ in false } == Self.noSpace)
        #expect(output.pendingCount == 3)
    }

    @Test("a descriptor that is closed, or only for reading, is an error and not a wait")
    func badDescriptors() throws {
        let closed = ConsoleOutput(descriptor: 1_000_000)
        closed.write([1])
        #expect(closed.flush { _ in false } == .failed(Errno(rawValue: EBADF)))
        // SAFETY: a C string for the length of the call.
        let descriptor = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let readOnly = ConsoleOutput(descriptor: descriptor)
        readOnly.write([1])
        #expect(readOnly.flush { _ in false } == .failed(Errno(rawValue: EBADF)))
    }
}
