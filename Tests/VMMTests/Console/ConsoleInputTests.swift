import Glibc
import LinuxHost
import TestSupport
import Testing

@testable import VMM

@Suite("Input")
struct ConsoleInputTests {
    private static func take(_ room: Int, from input: ConsoleInput) -> [UInt8] {
        var bytes: [UInt8] = []
        input.read(upTo: room) { bytes.append($0) }
        return bytes
    }

    /// Takes until so many bytes have come: after an empty answer the system is not asked again for a while.
    private static func take(all count: Int, from input: ConsoleInput) -> [UInt8] {
        var bytes: [UInt8] = []
        _ = eventually {
            bytes += take(16, from: input)
            return bytes.count >= count
        }
        return bytes
    }

    @Test("bytes in memory come in order, as many as there is room for, and then no more")
    func memory() {
        let input = ConsoleInput([1, 2, 3, 4, 5])
        #expect(Self.take(2, from: input) == [1, 2])
        #expect(Self.take(0, from: input) == [])
        #expect(Self.take(16, from: input) == [3, 4, 5])
        #expect(Self.take(16, from: input) == [])
        #expect(Self.take(1, from: ConsoleInput([])) == [])
    }

    @Test("no more is taken out of a pipe than there is room for", arguments: [1, 3, 16])
    func leavesTheRest(room: Int) {
        let pipe = HostPipe()
        pipe.write([UInt8](0..<40))
        let input = ConsoleInput(descriptor: pipe.readEnd.number)
        #expect(Self.take(0, from: input) == [])
        #expect(pipe.waitingCount == 40)
        #expect(Self.take(room, from: input) == [UInt8](0..<UInt8(room)))
        #expect(pipe.waitingCount == 40 - room)
    }

    /// How often the calling thread has given its processor away to wait for something.
    private static var sleepCount: Int {
        var usage = rusage()
        // RUSAGE_THREAD, which C gives only to those who ask for GNU's extensions. SAFETY: the structure is the caller's own.
        _ = unsafe getrusage(1, &usage)
        return usage.ru_nvcsw
    }

    @Test("an empty pipe gives nothing and does not wait; what comes later is given then")
    func emptyPipe() {
        let pipe = HostPipe()
        let input = ConsoleInput(descriptor: pipe.readEnd.number)
        var taken: [UInt8] = []
        let before = Self.sleepCount
        for _ in 0..<100 { taken += Self.take(16, from: input) }
        // A wait would be one for each.
        #expect(Self.sleepCount - before < 50)
        #expect(taken == [])
        pipe.write([7, 8])
        #expect(Self.take(all: 2, from: input) == [7, 8])
        pipe.write([9])
        #expect(Self.take(all: 1, from: input) == [9])
    }

    @Test("the end of the input comes behind its last byte, and is for good")
    func end() {
        let pipe = HostPipe()
        pipe.write([1, 2, 3])
        pipe.writeEnd.close()
        let input = ConsoleInput(descriptor: pipe.readEnd.number)
        #expect(Self.take(2, from: input) == [1, 2])
        #expect(Self.take(2, from: input) == [3])
        for _ in 0..<3 { #expect(Self.take(2, from: input) == []) }
    }

    @Test("a descriptor that was never open, or cannot be read, is an input that has ended")
    func badDescriptors() throws {
        #expect(Self.take(1, from: ConsoleInput(descriptor: 1_000_000)) == [])
        #expect(Self.take(1, from: ConsoleInput(descriptor: -1)) == [])
        for path in ["/", "/dev/null"] {
            // SAFETY: a C string for the length of the call.
            let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
            try #require(descriptor >= 0)
            defer { close(descriptor) }
            let input = ConsoleInput(descriptor: descriptor)
            for _ in 0..<2 { #expect(Self.take(1, from: input) == []) }
        }
    }

    @Test("a file is an input like any other")
    func file() throws {
        let file = TemporaryFile(Array("hello".utf8))
        // SAFETY: a C string for the length of the call.
        let descriptor = unsafe open(file.path, O_RDONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let input = ConsoleInput(descriptor: descriptor)
        #expect(Self.take(2, from: input) == Array("he".utf8))
        #expect(Self.take(16, from: input) == Array("llo".utf8))
        #expect(Self.take(16, from: input) == [])
    }

    @Test("a thread that fills it holds up nobody who reads")
    func filling() throws {
        let pipe = HostPipe()
        let input = ConsoleInput(descriptor: pipe.readEnd.number)
        let loop = try EventLoop()
        try input.attach({ _ in loop }, wake: {})
        input.beginFilling()
        let filler = HostThread { input.fill(upTo: 16) }
        usleep(20_000)
        // It would wait for ever: what the filler waits for comes later.
        #expect(Self.take(16, from: input) == [])
        #expect(!input.hasEnded)
        pipe.write([1, 2])
        filler.join()
        pipe.writeEnd.close()
        input.fill(upTo: 16)
        #expect(Self.take(16, from: input) == [1, 2])
        input.fill(upTo: 16)
        #expect(input.hasEnded)
    }

    @Test(
        "after a run nobody but its owner has the descriptor of an input that interrupted", .requiresKVM,
        arguments: [false, true])
    func letGo(isVirtio: Bool) throws {
        _ = signal(SIGPIPE, SIG_IGN)
        let pipe = HostPipe()
        let input = ConsoleInput(descriptor: pipe.readEnd.number)
        // xorb %al, %al; movw $0x500, %dx; outb %al, %dx
        let run = try GuestRun(code: [0x30, 0xC0, 0xBA, 0x00, 0x05, 0xEE]) {
            $0.interruptControllers = .full
            if isVirtio {
                $0.devices.append(.virtioConsole(VirtioConsoleConfiguration(input: input)))
            } else {
                $0.input = input
            }
        }
        #expect(run.reason == .exited(status: 0))
        pipe.readEnd.close()
        var byte: UInt8 = 0
        // A process that another test just starts has it for a moment, too.
        #expect(
            eventually {
                // SAFETY: one byte, the caller's own.
                unsafe write(pipe.writeEnd.number, &byte, 1) == -1 && errno == EPIPE
            })
        withExtendedLifetime(input) {}
    }

    @Test("a pipe that does not block is an input like any other")
    func nonBlocking() {
        let pipe = HostPipe()
        _ = fcntl(pipe.readEnd.number, F_SETFL, O_NONBLOCK)
        let input = ConsoleInput(descriptor: pipe.readEnd.number)
        #expect(Self.take(16, from: input) == [])
        pipe.write([1])
        #expect(Self.take(all: 1, from: input) == [1])
    }
}
