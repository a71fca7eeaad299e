import DeviceModel
import Glibc
import KVM
import LinuxHost
import SystemPackage
import TestSupport
import Testing
import VirtioDriver

@testable import VMM

@Suite("A virtio-console whose driver, or whose reader, does not behave")
struct VirtioConsoleFailureTests {
    /// More than a pipe of the usual size holds together with what else is in it.
    private static let full = [UInt8](repeating: 0x55, count: 65_536)

    private static func makeBlocked(
        input: ConsoleInput? = nil, flags: Int32 = 0
    ) throws -> (ConsoleDriver, HostPipe) {
        let pipe = HostPipe()
        pipe.write(full)
        #expect(fcntl(pipe.writeEnd.number, F_SETFL, flags) == 0)
        let console = try ConsoleDriver(output: ConsoleOutput(descriptor: pipe.writeEnd.number), input: input)
        try console.bringUp()
        return (console, pipe)
    }

    /// In a process of its own, which is left without descriptors.
    @Test("a doorbell for which the host has no descriptor fails the run, and is no fault of the guest's", .requiresKVM)
    func noDoorbell() async {
        await #expect(processExitsWith: .success) {
            alarm(600)
            var configuration = MachineConfiguration(image: .file(Guests.path("long-virtio-hello.elf")))
            configuration.devices.append(.virtioConsole(VirtioConsoleConfiguration(output: ConsoleOutput())))
            configuration.onThreadStart = { role in
                guard role == .vcpu(0) else { return }
                var limit = rlimit(rlim_cur: 0, rlim_max: 0)
                guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { exit(2) }
            }
            let finished = try await VirtualMachine(configuration).run()
            guard case .host(let error)? = finished.failure else { exit(3) }
            exit(error.reason == .tooManyOpenFiles ? EXIT_SUCCESS : 4)
        }
    }

    @Test("a reader that takes nothing holds the driver up, and then loses nothing", arguments: [0, O_NONBLOCK])
    func blockedReader(flags: Int32) throws {
        let (console, pipe) = try Self.makeBlocked(flags: flags)
        for byte in 1...10 { try console.send([UInt8](repeating: UInt8(byte), count: 4096)) }
        usleep(50_000)
        #expect(try console.transmit.takeBuffers() == nil)
        let read = pipe.readAll(upTo: 65_536 + 40_960)
        #expect(Array(read.dropFirst(65_536)) == (1...10).flatMap { [UInt8](repeating: UInt8($0), count: 4096) })
        for _ in 0..<10 { #expect(try console.takeSent() != nil) }
    }

    @Test("input goes on while a reader takes nothing")
    func inputMeanwhile() throws {
        let (console, _) = try Self.makeBlocked(input: ConsoleInput([1, 2, 3]))
        try console.send([0])
        try console.offerRoom(10)
        #expect(try console.takeReceived() == [1, 2, 3])
    }

    @Test("a reset in the middle of a transfer returns at once, and the device begins anew")
    func reset() throws {
        let (console, pipe) = try Self.makeBlocked()
        for round in 0..<20 {
            try console.send([UInt8](repeating: 0xAA, count: 4096))
            // At any moment: before the thread has the buffer, and while it waits for the reader.
            usleep(UInt32(round * 300))
            console.transport.set(.status, 0)
            #expect(console.transport.status == 0)
            // The driver has its memory back, and uses it for something else.
            let noise = [UInt8](repeating: 0xFF, count: 4096)
            try console.memory.write(noise.span, at: console.transmit.layout.descriptorTable)
            try console.bringUp()
        }
        _ = pipe.readAll(upTo: 65_536)
        try console.send([1, 2, 3])
        #expect(try console.takeSent() != nil)
        #expect(pipe.readAll(upTo: 3) == [1, 2, 3])
        #expect(console.transport.fault == nil)
    }

    @Test("a queue that is taken away in the middle of a transfer is let go at once; the other works on")
    func queueTakenAway() throws {
        let (console, pipe) = try Self.makeBlocked(input: ConsoleInput([9]))
        try console.send([UInt8](repeating: 0xAA, count: 4096))
        usleep(5_000)
        console.transport.set(.queueSelect, 1)
        console.transport.set(.queueReady, 0)
        #expect(console.transport.get(.queueReady) == 0)
        try console.offerRoom(4)
        #expect(try console.takeReceived() == [9])
        #expect(pipe.waitingCount == 65_536)
    }

    @Test("what was right before a chain that is wrong is written, and the fault is told once")
    func badChain() throws {
        let pipe = HostPipe()
        pipe.write(Self.full)
        let console = try ConsoleDriver(output: ConsoleOutput(descriptor: pipe.writeEnd.number))
        try console.bringUp()
        // The thread waits with the first one while the others are offered.
        try console.send([1])
        usleep(20_000)
        try console.send([2])
        // Its buffer ends behind RAM.
        try console.transmit.set(15, MockDescriptor(address: 0, count: .max))
        try console.transmit.offer(15)
        _ = try console.transmit.publish()
        console.transport.set(.queueNotify, 1)
        #expect(pipe.readAll(upTo: 65_538).suffix(2) == [1, 2])
        #expect(eventually { console.transport.status & 0x40 != 0 })
        guard case .virtqueue(queue: 1, .bufferNotInMemory)? = console.transport.fault else {
            Issue.record("\(String(describing: console.transport.fault))")
            return
        }
        // The run goes on: it is the guest's own business.
        #expect(console.control.outcome == nil)
        console.transport.set(.status, 0)
        try console.bringUp()
        try console.send([3])
        #expect(try console.takeSent() != nil)
        #expect(pipe.readAll(upTo: 1) == [3])
    }

    @Test("a bad receive chain stops neither the output nor the input that comes after a reset")
    func badReceiveChain() throws {
        let source = ConsoleInput(queueOf: 10)
        let console = try ConsoleDriver(output: ConsoleOutput(), input: source)
        try console.bringUp()
        try console.receive.set(0, MockDescriptor(address: .max - 1, count: 4, flags: MockDescriptor.write))
        try console.receive.offer(0)
        _ = try console.receive.publish()
        console.transport.set(.queueNotify, 0)
        #expect(source.append([1, 2, 3]) == 3)
        #expect(eventually { console.transport.status & 0x40 != 0 })
        #expect(source.unreadCount == 3)
        try console.bringUp()
        try console.offerRoom(10)
        #expect(try console.takeReceived() == [1, 2, 3])
    }

    @Test("a reader that is gone ends the run with the system's error, once", arguments: [1, 4096])
    func closedReader(size: Int) throws {
        _ = signal(SIGPIPE, SIG_IGN)
        let pipe = HostPipe()
        let console = try ConsoleDriver(output: ConsoleOutput(descriptor: pipe.writeEnd.number))
        try console.bringUp()
        pipe.readEnd.close()
        try console.send([UInt8](repeating: 1, count: size))
        #expect(eventually { console.failure != nil })
        #expect(console.failure == .output(Errno(rawValue: EPIPE)))
        #expect(console.finish { true }.abandoned == UInt64(size))
    }

    @Test("what the driver has offered by the end of the run is written then, or counted")
    func end() throws {
        for takes in [true, false] {
            let (console, pipe) = try Self.makeBlocked()
            try console.send([UInt8](repeating: 1, count: 4096))
            usleep(5_000)
            for byte in 2...3 { try console.send([UInt8](repeating: UInt8(byte), count: 4096)) }
            if takes { #expect(pipe.readAll(upTo: 65_536).count == 65_536) }
            let start = ContinuousClock.now
            // Without a reader it would go on for ever.
            let end = console.finish { !takes && ContinuousClock.now - start > .milliseconds(50) }
            #expect(end.isIdle == takes)
            #expect(end.abandoned == (takes ? 0 : 12_288))
            #expect(pipe.waitingCount == (takes ? 12_288 : 65_536))
        }
    }

    /// What a driver does that knows no rule, with the threads at work all the time.
    @Test("no sequence of a driver's steps traps or hangs, whatever the reader does meanwhile", arguments: 1...8)
    func hostile(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let source = ConsoleInput(queueOf: 4096)
        let pipe = HostPipe(flags: seed % 2 == 0 ? O_NONBLOCK : 0)
        // It takes some, and rests.
        let reader = HostThread {
            var random = SplitMix64(seed: ~seed)
            while !pipe.read(upTo: Int.random(in: 1...100_000, using: &random)).isEmpty {
                usleep(UInt32.random(in: 0...2_000, using: &random))
            }
        }
        defer {
            pipe.writeEnd.close()
            reader.join()
        }
        let console = try ConsoleDriver(output: ConsoleOutput(descriptor: pipe.writeEnd.number), input: source)
        let size = UInt64(console.memory.regions[0].size)
        for _ in 0..<TestScale.count(20_000) {
            switch Int.random(in: 0..<12, using: &random) {
            case 0: try console.bringUp()
            case 1: console.transport.set(.status, UInt64.random(in: 0...255, using: &random))
            case 2: console.transport.set(.queueSelect, UInt64.random(in: 0...2, using: &random))
            case 3: console.transport.set(.queueReady, UInt64.random(in: 0...1, using: &random))
            case 4, 5: console.transport.set(.queueNotify, UInt64.random(in: 0...2, using: &random))
            case 6: console.transport.set(.interruptAcknowledge, console.transport.get(.interruptStatus))
            case 7: _ = source.append([UInt8](repeating: 7, count: Int.random(in: 1...64, using: &random)))
            case 8:
                // Anywhere, rings and tables included.
                let value = UInt64.random(in: 0...UInt64.max, using: &random)
                try console.memory.store(value, at: GuestAddress(UInt64.random(in: 0...size - 8, using: &random)))
            case 9:
                let driver = Bool.random(using: &random) ? console.transmit : console.receive
                let descriptor = MockDescriptor(
                    address: UInt64.random(in: 0...size + 0x1000, using: &random),
                    count: [0, 1, 4096, .max].randomElement(using: &random)!,
                    flags: UInt16.random(in: 0...7, using: &random), next: UInt16.random(in: 0...17, using: &random))
                try driver.set(UInt16.random(in: 0..<16, using: &random), descriptor)
            case 10:
                try console.transmit.offer(UInt16.random(in: 0...17, using: &random))
                _ = try console.transmit.publish()
            default:
                try console.receive.offer(UInt16.random(in: 0...17, using: &random))
                _ = try console.receive.publish()
            }
        }
        // A driver that does it right is served.
        try console.bringUp()
        let before = console.byteCount
        try console.send([1, 2, 3])
        #expect(try console.takeSent() != nil)
        #expect(console.byteCount >= before + 3)
        #expect(console.control.outcome == nil)
        // At the end of a run in the middle of it all.
        for _ in 0..<3 { try console.send([UInt8](repeating: 1, count: 4096)) }
        #expect(console.finish { true }.abandoned <= 3 * 4096)
        #expect(console.control.outcome == nil)
    }
}
