import Testing

@testable import swiftvmm

@Suite("Keys")
struct TerminalKeysTests {
    private func actions(_ keys: [UInt8]) -> [TerminalKeys.Action] {
        var state = TerminalKeys()
        return keys.map { state.press($0) }
    }

    @Test("all keys but Ctrl-A are the guest's", arguments: (0...255).filter { $0 != 1 })
    func sends(key: UInt8) {
        #expect(actions([key]) == [.send(key)])
    }

    @Test(
        "after Ctrl-A a key is a command, and those that are none are ignored",
        arguments: [
            (UInt8(ascii: "x"), TerminalKeys.Action.quit), (UInt8(ascii: "a"), .send(1)), (UInt8(ascii: "h"), .help),
            (UInt8(ascii: "?"), .help), (UInt8(ascii: "z"), .nothing), (UInt8(ascii: "X"), .nothing), (3, .nothing),
            (0x1B, .nothing),
        ])
    func commands(key: UInt8, action: TerminalKeys.Action) {
        #expect(actions([1, key, 0x79]) == [.nothing, action, .send(0x79)])
    }

    @Test("Ctrl-A pressed twice still waits for its command")
    func waits() {
        #expect(actions([1, 1, 0x78]) == [.nothing, .nothing, .quit])
        #expect(actions([1, 1, 0x61, 0x78]) == [.nothing, .nothing, .send(1), .send(0x78)])
    }

    @Test("the help names each command")
    func helps() {
        for command in ["Ctrl-A x", "Ctrl-A a", "Ctrl-A h"] { #expect(TerminalKeys.help.contains(command)) }
    }

    private let start = ContinuousClock.now

    private func isDue(_ interrupt: inout UnreadInterrupt, read: Int, after seconds: Double) -> Bool {
        interrupt.isDue(read: read, at: start + .seconds(seconds))
    }

    @Test("an unread Ctrl-C is told of when a second is over, and once")
    func tellsOnce() {
        var interrupt = UnreadInterrupt()
        #expect(interrupt.deadline == nil)
        interrupt.pressed(count: 5, at: start)
        #expect(interrupt.deadline == start + .seconds(1))
        #expect(!isDue(&interrupt, read: 4, after: 0.999))
        #expect(isDue(&interrupt, read: 4, after: 1))
        #expect(!isDue(&interrupt, read: 4, after: 2))
        interrupt.pressed(count: 6, at: start + .seconds(3))
        #expect(interrupt.deadline == nil)
        #expect(!isDue(&interrupt, read: 4, after: 9))
    }

    @Test("one that is read is not, and the next one counts from its own time")
    func forgets() {
        var interrupt = UnreadInterrupt()
        interrupt.pressed(count: 5, at: start)
        #expect(!isDue(&interrupt, read: 5, after: 1))
        #expect(interrupt.deadline == nil)
        interrupt.pressed(count: 6, at: start + .seconds(2))
        interrupt.pressed(count: 7, at: start + .seconds(2.5))
        #expect(!isDue(&interrupt, read: 5, after: 2.9))
        #expect(isDue(&interrupt, read: 5, after: 3))
    }
}
