import Glibc
import KVM
import LinuxHost
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import VMM

@Suite("Image files")
struct ImageFileTests {
    @Test("a file's bytes are loaded, those of a flat image and those of an ELF file")
    func files() throws {
        let flat = TemporaryFile([1, 2, 3])
        #expect(try LoadedImage(.file(flat.path)).memory.load(4, at: 0x7C00) == [1, 2, 3, 0])
        let elf = TemporaryFile(ELFBuilder().bytes)
        #expect(try LoadedImage(.file(elf.path)).memory.load(1, at: 0x10_0000) == [0xF4])
    }

    @Test("no such file, and no such folder, are told by the system's words")
    func missing() {
        #expect(LoadedImage.refusal(of: .file("/no/such/guest")) == .cannotOpen(Errno(rawValue: ENOENT)))
        #expect(LoadedImage.refusal(of: .file("/dev/null/guest")) == .cannotOpen(Errno(rawValue: ENOTDIR)))
        #expect(LoadedImage.refusal(of: .file("")) == .cannotOpen(Errno(rawValue: ENOENT)))
    }

    @Test("what is not a file is named")
    func otherKinds() {
        #expect(LoadedImage.refusal(of: .file("/")) == .notRegularFile("a directory"))
        #expect(LoadedImage.refusal(of: .file("/dev/null")) == .notRegularFile("a device"))
        #expect(LoadedImage.refusal(of: .file("/dev/zero")) == .notRegularFile("a device"))
    }

    @Test(
        "a named pipe without a writer is waited for until the deadline, and not at all by a machine whose deadline has passed"
    )
    func pipe() {
        // SAFETY: a C string for the length of the call.
        let pipe = TemporaryFile(making: { unsafe mkfifo($0, 0o600) })
        for timeout in [Duration.zero, .milliseconds(50)] {
            let start = ContinuousClock.now
            #expect(throws: ImageError.deadline) {
                _ = try ImageReader(.file(pipe.path), ImageLimits(until: Deadline(after: timeout)))
            }
            #expect(ContinuousClock.now - start >= timeout)
        }
    }

    @Test("a machine that is stopped waits for no image, also where it is stopped while it waits")
    func stopped() throws {
        // SAFETY: a C string for the length of the call.
        let pipe = TemporaryFile(making: { unsafe mkfifo($0, 0o600) })
        let control = MachineControl()
        let writer = Mutex<Int32>(-1)
        let stopper = try SystemThread {
            // It can be opened when the image is waited for.
            _ = eventually {
                // SAFETY: as above.
                let number = unsafe open(pipe.path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
                writer.withLock { $0 = number }
                return number >= 0
            }
            control.stop()
        }
        defer {
            stopper.join()
            // Not before: a pipe that nobody writes any more is at its end.
            _ = close(writer.withLock { $0 })
        }
        #expect(throws: ImageError.stopped) {
            _ = try ImageReader(.file(pipe.path), ImageLimits(control: control))
        }
        #expect(throws: ImageError.stopped) {
            _ = try ImageReader(.file(pipe.path), ImageLimits(control: control))
        }
    }

    /// An image that a program writes into a pipe, some bytes at a time.
    private static func piped(_ bytes: [UInt8], _ limits: ImageLimits = ImageLimits()) throws -> ImageReader {
        var ends: [Int32] = [0, 0]
        // SAFETY: room for two numbers.
        try #require(unsafe Glibc.pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        defer { close(reading) }
        let writer = try SystemThread {
            for start in stride(from: 0, to: bytes.count, by: 60_000) {
                let part = Array(bytes[start...].prefix(60_000))
                // SAFETY: the bytes live for the length of the call.
                _ = unsafe part.withUnsafeBytes { unsafe write(writing, $0.baseAddress, $0.count) }
            }
            close(writing)
        }
        defer {
            // What was too much is taken, so that the writer ends.
            var rest = [UInt8](repeating: 0, count: 4096)
            // SAFETY: the system fills at most as many bytes as there are.
            while unsafe read(reading, &rest, rest.count) > 0 {}
            writer.join()
        }
        return try ImageReader(.descriptor(reading, name: "pipe"), limits)
    }

    @Test("what comes through a pipe is the image, as long as it is within the limit")
    func piped() throws {
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
        let image = try Self.piped(bytes, ImageLimits(memorySize: 300_000))
        #expect(image.size == 300_000)
        #expect(try image.bytes(at: 0, count: 300_000, part: "x") == bytes)
        #expect(try image.bytes(at: 299_990, count: 10, part: "x") == Array(bytes.suffix(10)))
        #expect(throws: ImageError.truncated("x")) { _ = try image.bytes(at: 299_991, count: 10, part: "x") }
        #expect(throws: ImageError.overLimit(299_999)) {
            _ = try Self.piped(bytes, ImageLimits(memorySize: 299_999))
        }
        #expect(throws: ImageError.empty) { _ = try Self.piped([]) }
    }

    @Test("a loop of links is an error, not a hang")
    func loop() {
        // SAFETY: as above.
        let link = TemporaryFile(making: { unsafe symlink($0, $0) })
        #expect(LoadedImage.refusal(of: .file(link.path)) == .cannotOpen(Errno(rawValue: ELOOP)))
    }

    @Test("an empty file is refused, and so is one of /proc, whose size nobody knows")
    func empty() {
        let file = TemporaryFile([])
        #expect(LoadedImage.refusal(of: .file(file.path)) == .empty)
        #expect(LoadedImage.refusal(of: .file("/proc/version")) == .empty)
    }

    /// In a process of its own, which gives up the right to read everything.
    @Test("a file that may not be read is told by the system's words")
    func unreadable() async {
        await #expect(processExitsWith: .success) {
            let file = TemporaryFile([0xF4])
            // SAFETY: a C string for the length of the call.
            guard unsafe chmod(file.path, 0) == 0 else { exit(1) }
            if geteuid() == 0, seteuid(65_534) != 0 { exit(2) }
            let refusal = LoadedImage.refusal(of: .file(file.path))
            if getuid() == 0 { _ = seteuid(0) }
            guard refusal == .cannotOpen(Errno(rawValue: EACCES)) else { exit(3) }
        }
    }

    @Test("a file larger than all RAM is refused by its size, without reading it")
    func huge() {
        let file = TemporaryFile([0xF4])
        file.resize(to: 1 << 40)
        #expect(
            LoadedImage.refusal(of: .file(file.path)) == .larger(size: 1 << 40, thanRoom: (2 << 20) - 0x7C00))
    }

    @Test("a large file with right headers is read only where its segments are")
    func sparse() throws {
        let file = TemporaryFile(ELFBuilder().bytes)
        file.resize(to: 1 << 40)
        #expect(try LoadedImage(.file(file.path)).loaded.entry == 0x10_0000)
    }

    @Test("a file that another program cuts short while it is loaded is an error")
    func shrinking() throws {
        let file = TemporaryFile([UInt8](repeating: 1, count: 100))
        let reader = try ImageReader(.file(file.path))
        #expect(reader.size == 100)
        file.resize(to: 50)
        var error: ImageError?
        do throws(ImageError) { _ = try reader.bytes(at: 0, count: 100, part: "contents") } catch let e { error = e }
        #expect(error == .truncated("contents"))
        let rest = try reader.bytes(at: 0, count: 50, part: "contents")
        #expect(rest.count == 50)
    }

    @Test("reads beyond the end are refused, however they are asked for")
    func bounds() throws {
        let reader = try ImageReader(.bytes([1, 2, 3, 4]))
        #expect(try reader.bytes(at: 1, count: 3, part: "x") == [2, 3, 4])
        #expect(try reader.bytes(at: 4, count: 0, part: "x") == [])
        #expect(try reader.prefix(16) == [1, 2, 3, 4])
        #expect(try reader.prefix(2) == [1, 2])
        for (offset, count) in [(0, 5), (4, 1), (5, 0), (.max, 1), (.max, 0), (1, 4), (0, .max)] as [(UInt64, Int)] {
            var error: ImageError?
            do throws(ImageError) { _ = try reader.bytes(at: offset, count: count, part: "x") } catch let e {
                error = e
            }
            #expect(error == .truncated("x"), "\(count) bytes at \(offset)")
        }
    }
}
