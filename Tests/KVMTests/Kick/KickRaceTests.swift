import Glibc
import KVM
import LinuxHost
import TestSupport
import Testing

/// A kick that is lost between two exits would stop nothing until the next one comes: a machine that cannot be stopped.
@Suite("Kicks that race with exits", .requiresKVM, .serialized)
struct KickRaceTests {
    /// Writes to port 0x80 for ever.
    private static let chatter: [UInt8] = [0xE6, 0x80, 0xEB, 0xFC]

    @Test("of 1,000 kicks at random moments none is lost", arguments: 1...2 as ClosedRange<UInt64>)
    func noneIsLost(seed: UInt64) throws {
        let guest = RunningGuest(Self.chatter)
        try #require(guest.waitUntilReady())
        var random = SplitMix64(seed: seed)
        for number in 1...1_000 {
            // Up to about 20 µs, so that every point between one exit and the next is met.
            for _ in 0..<Int.random(in: 0..<2_000, using: &random) { extendLifetime(guest) }
            let request = guest.request()
            try #require(guest.whenSeen(request) != nil, "seed \(seed): kick \(number) was lost")
        }
        #expect(guest.exitCount > 0)
        // A kick may end a run that was about to begin and then, by its signal, the next one too, but no third.
        #expect((1_000...2_000).contains(guest.interruptionCount))
        guest.end()
        #expect(guest.error == nil)
    }

    @Test(
        "of 2,000 kicks on the way into a guest that then never exits, none is lost",
        arguments: 1...2 as ClosedRange<UInt64>)
    func noneIsLostAtEntry(seed: UInt64) throws {
        let rounds = 2_000
        let guest = RoundGuest(rounds: rounds)
        var random = SplitMix64(seed: seed)
        for round in 1...rounds {
            try #require(guest.waitForEntry(round: round), "seed \(seed), round \(round)")
            for _ in 0..<Int.random(in: 0..<400, using: &random) { extendLifetime(guest) }
            guest.kick()
            try #require(guest.waitForEnd(round: round), "seed \(seed): the kick of round \(round) was lost")
        }
        guest.join()
        #expect(guest.error == nil)
    }

    /// A timer's signal comes at any instruction of this thread, also at the few between the last look for a kick and the
    /// system call that enters the guest.
    @Test("of 4,000 timers that go off on the way into a guest that never exits, none is lost")
    func timersAtEntry() throws {
        var machine = try TestMachine([0xEB, 0xFE])  // jmp to itself
        let timer = try KickTimer()
        var random = SplitMix64(seed: 3)
        for round in 1...4_000 {
            try timer.arm(after: Int64.random(in: 1...4_000, using: &random), every: 0)
            let exit = try machine.vcpu.run()
            #expect(exit == .interrupted)
            // Were one lost, only the watchdog would end the run.
            let isOverdue = machine.isOverdue
            try #require(!isOverdue, "round \(round)")
        }
    }

    @Test("a signal that arrives while an exit is handled ends the next run")
    func signalBetweenRuns() throws {
        var machine = try TestMachine([0xE6, 0x80, 0xEB, 0xFE])  // outb %al, $0x80; jmp to itself
        let exit = try machine.vcpu.nextExit()
        #expect(exit == .portWrite(PortAccess(port: 0x80, width: 1, count: 1)))
        // As a timer does it, or a signal of the process: without any mark of the vCPU's own.
        pthread_kill(pthread_self(), __libc_current_sigrtmin() + 4)
        let next = try machine.vcpu.run()
        let isOverdue = machine.isOverdue
        #expect(next == .interrupted && !isOverdue)
    }

    @Test("kicks that come faster than they are served may become one, but the last is not lost")
    func bursts() throws {
        let guest = RunningGuest(Self.chatter)
        try #require(guest.waitUntilReady())
        for burst in 1...50 {
            var request = 0
            for _ in 0..<20 { request = guest.request() }
            try #require(guest.whenSeen(request) != nil, "burst \(burst)")
        }
        guest.end()
        #expect(guest.error == nil)
    }
}
