import KVM
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

    @Test("of 1,000 kicks on the way into a guest that then never exits, none is lost")
    func noneIsLostAtEntry() throws {
        let seed: UInt64 = 1
        let rounds = TestScale.count(1_000)
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
