import DeviceModel
import Glibc
import KVM
import LinuxHost
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import VMM

@Suite("Output to a pipe")
struct ConsolePipeTests {
    /// Bytes in an order that shows every loss and every exchange.
    private static func payload(_ count: Int) -> [UInt8] {
        var random = SplitMix64(seed: 2)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    /// A write to a pipe without a reader is a signal first, which ends the process unless it is ignored.
    private static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
    }

    @Test("a slow reader gets every byte, in order", arguments: [0, O_NONBLOCK])
    func slowReader(flags: Int32) {
        let pipe = HostPipe(flags: flags)
        let bytes = Self.payload(200_000)
        let collected = Collected()
        let reader = HostThread {
            while collected.bytes.count < bytes.count {
                collected.append(pipe.read(upTo: 10_000))
                usleep(1_000)
            }
        }
        let output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        output.write(bytes)
        #expect(output.flush { _ in false } == .done)
        reader.join()
        #expect(collected.bytes == bytes)
        #expect(output.pendingCount == 0)
    }

    @Test("several threads that write and flush at once lose nothing, and keep each one's order")
    func threads() {
        let (writers, count) = (4, 50_000)
        let pipe = HostPipe()
        let collected = Collected()
        let reader = HostThread {
            while collected.bytes.count < writers * count { collected.append(pipe.read(upTo: 10_000)) }
        }
        let output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        let threads = (0..<writers).map { writer in
            HostThread {
                // The writer in the upper bits, and how far it is in the lower ones.
                for index in 0..<count {
                    output.write(UInt8(writer << 6 | index & 0x3F))
                    if output.isFull || index % 100 == 0 { _ = output.flush { _ in false } }
                }
                _ = output.flush(waits: true) { _ in false }
            }
        }
        for thread in threads { thread.join() }
        reader.join()
        #expect(output.pendingCount == 0)
        for writer in 0..<writers {
            let own = collected.bytes.filter { Int($0 >> 6) == writer }
            #expect(own == (0..<count).map { UInt8(writer << 6 | $0 & 0x3F) }, "writer \(writer)")
        }
    }

    @Test("a writer does not wait for a flush that waits for its reader")
    func writesWhileFlushed() {
        let pipe = HostPipe()
        pipe.write([UInt8](repeating: 0, count: 65_536))
        let output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        output.write([1])
        let isOver = Atomic<Bool>(false)
        let isWaiting = Atomic<Bool>(false)
        let flusher = HostThread {
            _ = output.flush { _ in
                isWaiting.store(true, ordering: .sequentiallyConsistent)
                return isOver.load(ordering: .sequentiallyConsistent)
            }
        }
        #expect(eventually { isWaiting.load(ordering: .sequentiallyConsistent) })
        // It would hang here.
        output.write([2, 3])
        #expect(output.pendingCount == 3)
        // Another one that flushes does not wait either, as long as little waits.
        #expect(output.flush { _ in false } == .done)
        isOver.store(true, ordering: .sequentiallyConsistent)
        flusher.join()
        #expect(output.pendingCount == 3)
    }

    @Test("everyone who waits for another one that writes is woken when it gives the output up")
    func wakesAll() throws {
        let pipe = HostPipe()
        pipe.write([UInt8](repeating: 0, count: 65_536))
        let loop = try EventLoop()
        let output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        _ = try output.attach { _ in loop }
        let memory = try GuestRAM.make(1 << 20).memory
        let woken = Mutex<[Int]>([])
        let callers = (0..<4).map { _ in HostPipe() }
        /// - Returns: whether it has the output now.
        func pass(_ number: Int) -> Bool {
            var bytes = GuestBytes(memory: memory)
            bytes.append([GuestSegment(address: GuestAddress(0), count: 1)])
            var (lost, isHolder) = (UInt64(0), false)
            let result = output.pass(
                &bytes, for: ObjectIdentifier(callers[number]), losing: &lost, isHolder: &isHolder,
                unless: { false }, wake: { woken.withLock { $0.append(number) } })
            #expect(result == .waits)
            return isHolder
        }
        #expect((0..<4).map { pass($0) } == [true, false, false, false])
        // A driver that rings again and again makes nothing grow.
        for _ in 0..<100 { #expect(!pass(3)) }
        #expect(woken.withLock { $0 } == [])
        output.release()
        #expect(woken.withLock { $0.sorted() } == [1, 2, 3])
        output.detach()
    }

    @Test("who gives others their turn in the middle keeps the output, and nobody writes in between")
    func keepsOutput() throws {
        let pipe = HostPipe()
        let loop = try EventLoop()
        let output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        _ = try output.attach { _ in loop }
        let memory = try GuestRAM.make(1 << 20).memory
        var bytes = GuestBytes(memory: memory)
        // A call takes 64 KiB at most.
        bytes.append([GuestSegment(address: GuestAddress(0), count: 100_000)])
        var (lost, isHolder) = (UInt64(0), false)
        #expect(
            output.pass(
                &bytes, for: ObjectIdentifier(output), losing: &lost, isHolder: &isHolder, unless: { true }, wake: {})
                == .again)
        #expect(isHolder)
        output.write([1])
        #expect(output.flush { _ in false } == .done)
        #expect(output.pendingCount == 1)
        output.release()
        output.detach()
    }

    @Test("a flush ends, however much others write meanwhile")
    func flushEnds() {
        let pipe = HostPipe()
        let isOver = Atomic<Bool>(false)
        let reader = HostThread { while !pipe.read(upTo: 2_000).isEmpty { usleep(1_000) } }
        let output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        output.write([UInt8](repeating: 0, count: 100_000))
        let written = Atomic<Int>(0)
        let writer = HostThread {
            while !isOver.load(ordering: .relaxed) {
                for _ in 0..<100 { output.write(1) }
                written.add(100, ordering: .relaxed)
                usleep(10)
            }
        }
        #expect(eventually { written.load(ordering: .relaxed) > 0 })
        let isFlushed = Atomic<Bool>(false)
        let flusher = HostThread {
            _ = output.flush { _ in false }
            isFlushed.store(true, ordering: .relaxed)
        }
        // The reader takes 2 million bytes a second at most, and more are written.
        #expect(eventually { isFlushed.load(ordering: .relaxed) })
        isOver.store(true, ordering: .relaxed)
        writer.join()
        flusher.join()
        #expect(output.flush(waits: true) { _ in false } == .done)
        #expect(output.pendingCount == 0)
        pipe.writeEnd.close()
        reader.join()
    }

    @Test("a reader that is gone is an error")
    func closedReader() {
        Self.ignoreBrokenPipes()
        let pipe = HostPipe()
        pipe.readEnd.close()
        let output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        output.write([1, 2, 3])
        #expect(output.flush { _ in false } == .failed(Errno(rawValue: EPIPE)))
        #expect(output.pendingCount == 3)
    }

    @Test("a reader that goes in the middle is an error, not an endless wait")
    func readerLeaves() {
        Self.ignoreBrokenPipes()
        let pipe = HostPipe()
        let output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        output.write(Self.payload(200_000))
        let reader = HostThread {
            _ = pipe.readAll(upTo: 10_000)
            usleep(20_000)
            pipe.readEnd.close()
        }
        #expect(output.flush { _ in false } == .failed(Errno(rawValue: EPIPE)))
        reader.join()
        #expect((1..<200_000 - 10_000).contains(output.pendingCount))
    }

    @Test(
        "with a reader that never reads, the writer gives up when it is told to, and not before",
        arguments: [0, O_NONBLOCK])
    func reluctantReader(flags: Int32) {
        let pipe = HostPipe(flags: flags)
        let output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        output.write(Self.payload(100_000))
        var idle: [Int64] = []
        let start = ContinuousClock.now
        let result = output.flush {
            idle.append($0)
            return idle.count >= 3 && $0 > 120_000_000
        }
        #expect(result == .gaveUp)
        #expect(ContinuousClock.now - start >= .milliseconds(120))
        // Asked again and again, with how long it is since a byte was taken, and not each moment.
        #expect((3...4).contains(idle.count), "\(idle)")
        #expect(idle == idle.sorted())
        // A pipe holds 64 KiB (pipe(7)).
        #expect(output.pendingCount == 100_000 - 65_536)
    }

    @Test("the writer is asked each 50 ms or so whether it gives up", .tags(.timed))
    func asksOften() {
        let pipe = HostPipe()
        let output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        output.write(Self.payload(100_000))
        // What a thread that sleeps so long sees at the same time.
        let leastSleep = Mutex(Duration.seconds(3600))
        let sleeper = HostThread {
            for _ in 0..<10 {
                let start = ContinuousClock.now
                usleep(50_000)
                let time = ContinuousClock.now - start
                leastSleep.withLock { $0 = min($0, time) }
            }
        }
        var idle: [Int64] = []
        #expect(
            output.flush {
                idle.append($0)
                return idle.count == 10
            } == .gaveUp)
        sleeper.join()
        let least = zip(idle, idle.dropFirst()).map { $1 - $0 }.min() ?? 0
        // The least of some: now and then either is late where the processors are busy.
        #expect(Duration.nanoseconds(least) < leastSleep.withLock { $0 } * 2, "\(idle)")
    }

    @Test("after giving up, a later flush goes on where the first one stopped")
    func goesOn() {
        let pipe = HostPipe()
        let bytes = Self.payload(100_000)
        let output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        output.write(bytes)
        #expect(output.flush { _ in true } == .gaveUp)
        #expect(pipe.waitingCount == 65_536)
        let collected = Collected()
        let reader = HostThread { collected.store(pipe.readAll(upTo: bytes.count)) }
        #expect(output.flush { _ in false } == .done)
        reader.join()
        #expect(collected.bytes == bytes)
    }

    /// A pipe with O_DIRECT keeps each write apart, as far as it has 4,096 bytes or fewer: a read gives what one write gave
    /// (pipe(2)). So the reads count the writes.
    @Test("a million bytes cost a few hundred writes, not a million")
    func fewWrites() {
        // O_DIRECT, which C gives only to those who ask for GNU's extensions.
        let pipe = HostPipe(flags: 0x4000)
        let bytes = Self.payload(1_000_000)
        let sizes = Collected()
        let collected = Collected()
        let reader = HostThread {
            var count = 0
            while count < bytes.count {
                let part = pipe.read(upTo: 65_536)
                if part.isEmpty { break }
                collected.append(part)
                sizes.append([0])
                count += part.count
            }
        }
        let output = ConsoleOutput(descriptor: pipe.writeEnd.number)
        for byte in bytes {
            output.write(byte)
            // As the run loop does.
            if output.pendingCount >= ConsoleOutput.capacity { #expect(output.flush { _ in false } == .done) }
        }
        #expect(output.flush { _ in false } == .done)
        reader.join()
        #expect(collected.bytes == bytes)
        // 245 of 4,096 bytes, and one of the rest.
        #expect(sizes.bytes.count <= 300)
    }
}
