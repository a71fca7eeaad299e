import Glibc
import LinuxHost
import Synchronization
import TestSupport
import Testing

@testable import VMM

/// The loop on which light devices work.
private final class KeptLoop: MachineAttachment {
    private let loop = Mutex<EventLoop?>(nil)

    func begin(on loop: EventLoop) { self.loop.withLock { $0 = loop } }
    func end() {}
    func post(_ work: @escaping EventLoop.Work) { loop.withLock { $0 }?.post(.devices, work) }
}

private final class WorkCount: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
    func add() { count.add(1, ordering: .sequentiallyConsistent) }
}

@Suite("A guest's memory, for the program around it")
struct MachineMemoryTests {
    /// incw 0x8000; jmp to the beginning.
    private static let counting: [UInt8] = [0xFF, 0x06, 0x00, 0x80, 0xEB, 0xFA]

    private static func counting(_ control: MachineControl) throws(VMMError) -> VirtualMachine {
        var configuration = MachineConfiguration(image: .bytes(counting))
        configuration.timeout = TestScale.patience
        configuration.control = control
        return try VirtualMachine(configuration)
    }

    @Test("is written before the run and read after it", .requiresKVM)
    func beforeAndAfter() async throws {
        let control = MachineControl()
        // movb 0x8000, %al; incb %al; movb %al, 0x8001; hlt
        var configuration = MachineConfiguration(image: .bytes([0xA0, 0x00, 0x80, 0xFE, 0xC0, 0xA2, 0x01, 0x80, 0xF4]))
        configuration.control = control
        let machine = try await VirtualMachine(configuration)
        try control.memory.write([7], at: 0x8000)
        let finished = await machine.run()
        #expect(try finished.reason == .halted)
        #expect(try finished.memory.read(at: 0x8000, count: 2) == [7, 8])
        #expect(try control.memory.read(at: 0x8001, count: 1) == [8])
        #expect(throws: MemoryAccessError.outside(address: 64 << 20, count: 1)) {
            try control.memory.write([1], at: 64 << 20)
        }
        #expect(throws: MemoryAccessError.outside(address: .max, count: 2)) {
            try finished.memory.read(at: .max, count: 2)
        }
        #expect(throws: MemoryAccessError.outside(address: 0, count: -1)) {
            try finished.memory.read(at: 0, count: -1)
        }
    }

    @Test(
        "cannot be had while the guest runs, and stands still while it is looked at, whoever resumes the machine",
        .requiresKVM)
    func paused() async throws {
        let control = MachineControl()
        let run = Task { try await Self.counting(control).run().reason }
        for await state in control.states where state == .running { break }
        #expect(throws: MemoryAccessError.running) { try control.memory.read(at: 0x8000, count: 2) }
        for _ in 0..<100 {
            await control.pause()
            let (first, second) = try control.memory.withBytes(at: 0x8000, count: 2) { bytes in
                control.resume()
                let first = unsafe bytes.unsafeLoad(as: UInt16.self)
                for _ in 0..<1000 { #expect(!control.state.isOver) }
                return (first, unsafe bytes.unsafeLoad(as: UInt16.self))
            }
            #expect(first == second)
        }
        control.stop()
        #expect(try await run.value == .stopped)
    }

    @Test("stands still while it is looked at though the machine is stopped: its end waits", .requiresKVM)
    func stopped() async throws {
        let control = MachineControl()
        let (loop, works) = (KeptLoop(), WorkCount())
        var configuration = MachineConfiguration(image: .bytes(Self.counting))
        configuration.timeout = TestScale.patience
        configuration.control = control
        configuration.attachments = [loop]
        let run = Task { [configuration] in try await VirtualMachine(configuration).run().reason }
        for await state in control.states where state == .running { break }
        await control.pause()
        try control.memory.withBytes(at: 0x8000, count: 2) { _ in
            loop.post { works.add() }
            control.stop()
            // Time for the end to come too early.
            #expect(eventually { control.outcome == .ended(.stopped) })
            usleep(20_000)
            #expect(works.value == 0)
            #expect(!control.state.isOver)
        }
        #expect(try await run.value == .stopped)
    }

    @Test("is gone with the machine")
    func gone() async throws {
        let control = MachineControl()
        #expect(throws: MemoryAccessError.noMachine) { try control.memory.read(at: 0, count: 1) }
        #expect(control.state == .ready)
    }

    @Test("is given back with what is left of the machine", .requiresKVM)
    func givenBack() async throws {
        let control = MachineControl()
        control.stop()
        var finished: FinishedMachine? = try await Self.counting(control).run()
        #expect(try finished?.memory.read(at: 0x7C00, count: 6) == Self.counting)
        finished = nil
        #expect(throws: MemoryAccessError.noMachine) { try control.memory.read(at: 0, count: 1) }
    }

    @Test("messages name the place and the remedy")
    func messages() {
        let error = MemoryAccessError.outside(address: 0x4000_0000, count: 3)
        #expect("\(error)".hasPrefix("the 3 bytes at 0x40000000 are not all in the guest's RAM"))
        #expect("\(MemoryAccessError.running)".contains("pause the machine first"))
    }
}

@Suite("Memory that a program shares with a running guest")
struct SharedMemoryTests {
    @Test("words go both ways while the guest runs", .requiresKVM)
    func bothWays() async throws {
        let shared = SharedMemory(address: 0x20000, byteCount: 4096)
        #expect(throws: MemoryAccessError.noMachine) { try shared.load(at: 0) }
        var configuration = MachineConfiguration(
            image: .bytes([
                0xB8, 0x00, 0x20, 0x8E, 0xD8,  // movw $0x2000, %ax; movw %ax, %ds
                0x66, 0xA1, 0x00, 0x00,  // wait: movl 0, %eax
                0x66, 0x85, 0xC0, 0x74, 0xF7,  // testl %eax, %eax; jz wait
                0x66, 0x40, 0x66, 0xA3, 0x04, 0x00,  // incl %eax; movl %eax, 4
                0x66, 0x83, 0x3E, 0x08, 0x00, 0x00, 0x74, 0xF8,  // again: cmpl $0, 8; je again
                0xF4,  // hlt
            ]))
        configuration.timeout = TestScale.patience
        configuration.sharedMemory = [shared]
        let control = MachineControl()
        configuration.control = control
        let run = Task { [configuration] in try await VirtualMachine(configuration).run() }
        for await state in control.states where state == .running { break }
        try shared.store(41, at: 0)
        while try shared.load(at: 4) != 42 { await Task.yield() }
        #expect(try shared.compareExchange(1, with: 2, at: 8) == 0)
        #expect(try shared.compareExchange(0, with: 2, at: 8) == 0)
        let end = try await run.value
        #expect(end.plan.memory.ranges.contains { $0.start == 0x20000 && $0.end == 0x21000 && $0.kind == .kept })
        #expect(try end.reason == .halted)
        #expect(try shared.read(at: 0, count: 9) == [41, 0, 0, 0, 42, 0, 0, 0, 2])
        try shared.write([1, 2], at: 4094)
        #expect(try end.memory.read(at: 0x20FFE, count: 2) == [1, 2])
        #expect(throws: MemoryAccessError.outside(address: 0x21000, count: 4)) { try shared.load(at: 4096) }
        #expect(throws: MemoryAccessError.outside(address: 0x1FFFF, count: 1)) { try shared.read(at: -1, count: 1) }
        #expect(throws: MemoryAccessError.misaligned(address: 0x20002, size: 4)) { try shared.store(1, at: 2) }
    }

    @Test(
        "that is not whole pages of usable RAM, beside the image, is refused in words", .requiresKVM,
        arguments: [
            (0x20001, 4096, "multiples of 4096"), (0x20000, 0, "multiples of 4096"),
            (0x20000, -4096, "multiples of 4096"),
            (0xA0000, 4096, "put it into 0x10000-0x9fbff or 0x100000-0x3ffffff"),
            (64 << 20, 4096, "put it into 0x10000-0x9fbff or 0x100000-0x3ffffff"),
            (0x100000, 1 << 40, "put it into 0x10000-0x9fbff or 0x100000-0x3ffffff"),
            (0x7000, 8192, "put it into 0x10000-0x9fbff or 0x100000-0x3ffffff"),
        ] as [(UInt64, Int, String)])
    func refused(address: UInt64, count: Int, words: String) {
        var configuration = MachineConfiguration(image: .bytes([0xF4]))
        configuration.sharedMemory = [SharedMemory(address: address, byteCount: count)]
        let error = configuration.refusal
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "nothing")")
    }

    @Test("does not lie over the image", .requiresKVM)
    func overImage() {
        var configuration = MachineConfiguration(image: .bytes([0xF4]))
        configuration.mode = .long
        configuration.sharedMemory = [SharedMemory(address: 0x100000, byteCount: 4096)]
        #expect(configuration.refusal?.description.contains("lies over the image") == true)
    }

    @Test("is not shared twice", .requiresKVM)
    func twice() {
        var configuration = MachineConfiguration(image: .bytes([0xF4]))
        let shared = SharedMemory(address: 0x100000, byteCount: 8192)
        configuration.sharedMemory = [shared, SharedMemory(address: 0x101000, byteCount: 4096)]
        #expect(configuration.refusal?.description.contains("is shared twice") == true)
    }
}
