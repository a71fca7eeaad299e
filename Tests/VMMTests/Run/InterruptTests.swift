import Glibc
import Synchronization
import TestSupport
import Testing
import VMM

@Suite("A guest that works by interrupts", .requiresKVM)
struct InterruptTests {
    private static let payload: [UInt8] = {
        var random = SplitMix64(seed: 1)
        // All values but the one that ends the echo.
        return (0..<TestScale.count(100_000)).map { _ in
            let byte = UInt8.random(in: 0...254, using: &random)
            return byte == 4 ? 255 : byte
        }
    }()

    @Test("sleeping with interrupts off is the end of the run", .timeLimit(.minutes(10)))
    func sleepForever() throws {
        let run = try GuestRun(guest: "sleep-forever.elf") { $0.interruptControllers = .full }
        #expect(run.reason == .halted)
    }

    @Test("sleeping with interrupts on is not")
    func sleep() throws {
        // sti; hlt; jmp to the hlt
        let run = try GuestRun(code: [0xFB, 0xF4, 0xEB, 0xFD]) {
            $0.interruptControllers = .full
            $0.timeout = .seconds(3)
        }
        #expect(run.reason == .deadline)
    }

    @Test("without interrupt controllers it can tell")
    func noControllers() throws {
        let run = try GuestRun(guest: "long-timer.elf")
        #expect(run.reason == .exited(status: 1))
        #expect(run.text == "no interrupt controllers: run this with --irqchip full\n")
    }

    @Test("an echo of much input from memory loses nothing")
    func echoMemory() throws {
        let run = try GuestRun(guest: "long-uart-irq.elf") {
            $0.interruptControllers = .full
            $0.input = ConsoleInput(Self.payload + [4])
        }
        #expect(run.reason == .exited(status: 0))
        #expect(run.output == Self.payload)
    }

    @Test(
        "nor by an I/O APIC, in the kernel or not, that sees edges or levels",
        arguments: [(.full, "level"), (.split, ""), (.split, "level")] as [(InterruptControllers, String)])
    func echoIOAPIC(controllers: InterruptControllers, commandLine: String) throws {
        let payload = Array(Self.payload.prefix(10_000))
        let run = try GuestRun(guest: "long-uart-irq.elf") {
            $0.interruptControllers = controllers
            $0.commandLine = commandLine
            $0.input = ConsoleInput(payload + [4])
        }
        #expect(run.reason == .exited(status: 0))
        #expect(run.output == payload)
    }

    @Test("nor does one of input that is appended bit by bit")
    func echoQueue() throws {
        let input = ConsoleInput(queueOf: 100)
        let isOver = Atomic<Bool>(false)
        let writer = HostThread {
            var rest = (Self.payload.prefix(5_000) + [4])[...]
            while !rest.isEmpty, !isOver.load(ordering: .relaxed) {
                rest = rest.dropFirst(input.append(rest.prefix(7)))
                usleep(rest.count % 50 == 0 ? 1_000 : 10)
            }
        }
        let run = try GuestRun(guest: "long-uart-irq.elf") {
            $0.interruptControllers = .full
            $0.input = input
        }
        isOver.store(true, ordering: .relaxed)
        writer.join()
        #expect(run.reason == .exited(status: 0))
        #expect(run.output == Array(Self.payload.prefix(5_000)))
    }

    @Test(
        "nor does one through a pseudo-terminal, at full speed and with a reader that stops", arguments: [false, true])
    func echoTerminal(stops: Bool) throws {
        let terminal = try PseudoTerminal()
        let received = Collected()
        let reader = HostThread {
            while received.bytes.count < Self.payload.count {
                let bytes = terminal.read(upTo: 4_096)
                if bytes.isEmpty { break }
                let before = received.bytes.count
                received.append(bytes)
                // Once, in the middle.
                if stops, before < Self.payload.count / 2, before + bytes.count >= Self.payload.count / 2 {
                    usleep(1_000_000)
                }
            }
        }
        let writer = HostThread { terminal.write(Self.payload + [4]) }
        let run = try GuestRun(guest: "long-uart-irq.elf") {
            $0.interruptControllers = .full
            $0.output = ConsoleOutput(descriptor: terminal.slave)
            $0.input = ConsoleInput(descriptor: terminal.slave)
        }
        // Otherwise the two may wait for ever, and end with this process.
        try #require(run.reason == .exited(status: 0))
        writer.join()
        reader.join()
        #expect(received.bytes == Self.payload)
    }
}
