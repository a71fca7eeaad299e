import Glibc
import KVM
import LinuxHost
import Synchronization
import TestSupport
import Testing

@Suite("Kicks", .requiresKVM)
struct KickTests {
    /// Jumps to itself.
    private static let spin: [UInt8] = [0xEB, 0xFE]
    /// Writes to port 0x80 for ever.
    private static let chatter: [UInt8] = [0xE6, 0x80, 0xEB, 0xFC]

    @Test("a kick from another thread ends the run of a guest that would never exit, within 100 ms", .tags(.timed))
    func stopsSpinningGuest() throws {
        let guest = RunningGuest(Self.spin)
        try #require(guest.waitUntilReady())
        let wait = ProcessorWait()
        var delays: [Duration] = []
        for _ in 0..<20 {
            usleep(2_000)
            let start = ContinuousClock.now
            let request = guest.request()
            let seen = try #require(guest.whenSeen(request), "kick \(request) was lost")
            delays.append(seen - start)
        }
        let longestWait = wait.end()
        guest.end()
        #expect(guest.error == nil)
        // Seen: 20 to 100 µs on an idle machine. On a busy one the guest's thread and this one each wait for a processor.
        #expect(delays.sorted()[10] < .milliseconds(100) + longestWait * 4, "\(delays), \(longestWait)")
    }

    @Test("a kick before the first run ends that run before the guest is entered")
    func beforeTheFirstRun() throws {
        var machine = try TestMachine(Self.chatter)
        machine.vcpu.kicker.kick()
        let first = try machine.vcpu.run()
        #expect(first == .interrupted)
        #expect(try machine.vcpu.registers().rip == 0x1000)
        // Nothing of the kick is left: the guest now reaches its first exit, and the next.
        for _ in 0..<2 {
            let next = try machine.vcpu.nextExit()
            #expect(next == .portWrite(PortAccess(port: 0x80, width: 1, count: 1)))
        }
    }

    @Test("a kick while an exit is handled ends the next run, and no exit is lost or seen twice")
    func betweenRuns() throws {
        var machine = try TestMachine([
            0xFE, 0xC0,  // incb %al
            0xE6, 0x80,  // outb %al, $0x80
            0xEB, 0xFA,  // jmp to the start
        ])
        var interruptions = 0
        for number in 1...100 as ClosedRange<UInt8> {
            var exit = try machine.vcpu.run()
            while exit == .interrupted {
                interruptions += 1
                exit = try machine.vcpu.run()
            }
            #expect(exit == .portWrite(PortAccess(port: 0x80, width: 1, count: 1)))
            let bytes = machine.vcpu.portBytes()
            #expect(bytes == [number])
            machine.vcpu.kicker.kick()
        }
        // One at least for each kick but the last; a kick that ended a run before it began may end a second one.
        #expect((99...200).contains(interruptions))
    }

    @Test("an answer that was given before a kick still reaches the guest")
    func answerSurvivesKick() throws {
        var machine = try TestMachine([
            0xE4, 0x42,  // inb $0x42, %al
            0xE6, 0x43,  // outb %al, $0x43
            0xEB, 0xFA,  // jmp to the start
        ])
        for number in 1...50 as ClosedRange<UInt8> {
            var exit = try machine.vcpu.run()
            while exit == .interrupted { exit = try machine.vcpu.run() }
            #expect(exit == .portRead(PortAccess(port: 0x42, width: 1, count: 1)))
            machine.vcpu.answerPort([number])
            machine.vcpu.kicker.kick()
            repeat { exit = try machine.vcpu.run() } while exit == .interrupted
            let bytes = machine.vcpu.portBytes()
            #expect(bytes == [number])
        }
    }

    @Test("a kick reaches a thread that had blocked every signal")
    func blockedSignals() throws {
        let guest = RunningGuest(Self.spin) {
            var all = sigset_t()
            // SAFETY: the set is this function's own.
            unsafe sigfillset(&all)
            unsafe pthread_sigmask(SIG_SETMASK, &all, nil)
        }
        try #require(guest.waitUntilReady())
        usleep(2_000)
        #expect(guest.whenSeen(guest.request()) != nil)
        guest.end()
        #expect(guest.error == nil)
    }

    @Test("two vCPUs of one machine, each on its thread, are kicked one by one")
    func twoVCPUs() throws {
        let memory = try HostMemory(size: 0x8000)
        memory.store(Self.spin, at: 0x1000)
        let machine = try KVMSystem().makeVirtualMachine()
        try machine.map(memory, size: memory.size, slot: 0, at: 0)
        let first = try machine.makeVCPU(id: 0)
        let second = try machine.makeVCPU(id: 1)
        try first.enterRealMode(at: 0x1000)
        try second.enterRealMode(at: 0x1000)
        let guests = [RunningGuest(first), RunningGuest(second)]
        for guest in guests { try #require(guest.waitUntilReady()) }
        for (index, guest) in guests.enumerated() {
            let other = guests[1 - index].interruptionCount
            for round in 1...10 {
                usleep(1_000)
                #expect(guest.whenSeen(guest.request()) != nil, "vCPU \(index), round \(round)")
            }
            // The last kick that was for it may end a second run of the other one now; those that were not would end ten.
            #expect((other...other + index).contains(guests[1 - index].interruptionCount), "vCPU \(index)")
        }
        for guest in guests { guest.end() }
        for guest in guests { #expect(guest.error == nil) }
    }

    @Test("a kick after the vCPU is gone, and its thread too, does nothing")
    func afterTheEnd() throws {
        let kicker = Mutex<VCPUKicker?>(nil)
        let box = KickerBox(kicker)
        let thread = HostThread {
            guard var machine = try? TestMachine(Self.chatter) else { return }
            _ = try? machine.vcpu.run()
            box.kicker.withLock { $0 = machine.vcpu.kicker }
        }
        thread.join()
        let left = try #require(box.kicker.withLock { $0 })
        for _ in 0..<3 { left.kick() }
        // Nor does it reach a machine that is made afterwards.
        let other = RunningGuest(Self.spin)
        try #require(other.waitUntilReady())
        left.kick()
        usleep(2_000)
        #expect(other.interruptionCount == 0)
        other.end()
    }

    private final class KickerBox: Sendable {
        let kicker: Mutex<VCPUKicker?>

        init(_ kicker: consuming sending Mutex<VCPUKicker?>) {
            self.kicker = kicker
        }
    }

    @Test("a vCPU that moves to another thread is kicked there")
    func movesBetweenThreads() throws {
        let memory = try HostMemory(size: 0x8000)
        memory.store([0xF4] + Self.spin, at: 0x1000)  // hlt, then for ever
        let machine = try KVMSystem().makeVirtualMachine()
        try machine.map(memory, size: memory.size, slot: 0, at: 0)
        var vcpu = try machine.makeVCPU(id: 0)
        try vcpu.enterRealMode(at: 0x1000)
        // Here first, and then there.
        let first = try vcpu.nextExit()
        #expect(first == .halt)
        let guest = RunningGuest(vcpu)
        try #require(guest.waitUntilReady())
        usleep(2_000)
        #expect(guest.whenSeen(guest.request()) != nil)
        guest.end()
        #expect(guest.error == nil)
    }
}
