import DeviceModel
import LinuxHost
import Synchronization

/// A keyboard that the machine's input types on, in a machine that was booted by a BIOS or has a screen: its controller, and the loop that
/// brings the keys.
///
/// Concurrency model: safe from any thread. Keys are taken from the input on its loop alone.
final class KeyboardDevice: MachineDevice, BusDevice {
    /// The slot's.
    static let name = "keyboard"
    /// How long the keyboard takes from one byte to the next, in nanoseconds: programs may read the last one again, as an interrupt's
    /// handler does that has another before it. A PC's takes longer.
    private static let interval: Int64 = 1_000_000
    /// How long a boot sector has until keys come that it has not asked its BIOS for, in nanoseconds: it can turn interrupts off first.
    private static let start: Int64 = 500_000_000
    /// How many bytes are taken from the input before they are typed: a few keys.
    private static let room = 16

    private struct State {
        var bytes: ArraySlice<UInt8> = []
        /// Whether the next byte comes when a time is over.
        var isTimed = false
        /// Whether it waits until the BIOS has room for keys, as at first.
        var isHeldUp: Bool
        /// How often the data port was read with nothing new in it, since the last key.
        var idleReads: Int

        /// Whether the guest looks for keys itself: then nothing is held up, and the BIOS's keys may be lost, as on a PC.
        var polls: Bool { idleReads >= KeyboardDevice.pollingReads }
    }

    /// A handler that goes on to the BIOS's has the port read twice for a key.
    private static let pollingReads = 8

    private let controller: KeyboardController
    private let host: MachineHost
    private let input: ConsoleInput?
    private let ring: KeyRing
    private let state: Mutex<State>
    private let loop = Mutex<EventLoop?>(nil)

    /// - Parameter hasBIOS: whether keys wait for it until the guest is known to look for them itself.
    init(_ host: MachineHost, hasBIOS: Bool) {
        state = Mutex(State(isHeldUp: hasBIOS, idleReads: hasBIOS ? 0 : Self.pollingReads))
        self.host = host
        input = host.hasKeyboardInput ? host.input : nil
        controller = KeyboardController(
            events: host.events, interrupt: host.interrupts.line(gsi: GSI.keyboard))
        ring = KeyRing(memory: host.memory)
    }

    var busDevice: any BusDevice { self }
    var report: DeviceReport { DeviceReport(name: Self.name) }

    func read(offset: UInt64, width: Int) -> UInt64 {
        let isIdle = offset == 0 && controller.isIdle
        let value = controller.read(offset: offset, width: width)
        if isIdle, noteIdleRead() { hasRoom() }
        if offset == 0, !isIdle { goOnLater() }
        return value
    }

    func write(offset: UInt64, width: Int, value: UInt64) -> BusEffect {
        _ = controller.write(offset: offset, width: width, value: value)
        goOnLater()
        return .none
    }

    // MARK: Keys

    func begin() throws(VMMError) {
        try VMM.host { () throws(HostError) in
            guard let input else {
                let light = try host.loops.light()
                loop.withLock { $0 = light }
                return
            }
            try input.attach(host.loops.loop(for:)) { [weak self] in self?.bringKeys() }
            let own = try input.loop(host.loops.loop(for:))
            loop.withLock { $0 = own }
            input.beginFilling()
            // A program that handles all interrupts itself asks nobody for keys.
            own.after(state.withLock { $0.isHeldUp } ? Self.start : 0) { [weak self] in self?.beginTyping() }
        }
    }

    private func beginTyping() {
        state.withLock { $0.isHeldUp = false }
        goOnLater()
    }

    /// - Returns: whether the guest is known since now to look for keys itself.
    private func noteIdleRead() -> Bool {
        state.withLock { state in
            guard !state.polls else { return false }
            state.idleReads += 1
            return state.polls
        }
    }

    /// The BIOS has taken keys from its ring, or looks for some.
    func hasRoom() {
        let goesOn = state.withLock { state in
            guard state.isHeldUp else { return false }
            state.isHeldUp = false
            return true
        }
        if goesOn { goOnLater() }
    }

    /// Once, however often it is asked for.
    private func goOnLater() {
        let isNew = state.withLock { state in
            defer { state.isTimed = true }
            return !state.isTimed
        }
        guard isNew, let loop = loop.withLock({ $0 }) else { return }
        loop.after(Self.interval, .devices) { [weak self] in
            self?.state.withLock { $0.isTimed = false }
            self?.controller.bringNext()
            self?.bringKeys()
        }
    }

    /// Types the next key, when the last one has been read. On the loop.
    private func bringKeys() {
        guard let input, controller.isIdle, !state.withLock({ $0.isHeldUp }) else { return }
        guard ring.takesKeys || state.withLock({ $0.polls }) else {
            state.withLock { $0.isHeldUp = true }
            return
        }
        // What no key gives is passed over, some at a time.
        for _ in 0..<Self.room where controller.isIdle {
            var bytes = state.withLock { $0.bytes }
            if bytes.count < Keystrokes.longest { bytes += more(Self.room - bytes.count, input) }
            guard !bytes.isEmpty else {
                input.arm()
                return
            }
            let codes = Keystrokes.takeKey(from: &bytes)
            state.withLock { [bytes] in
                $0.bytes = bytes
                if !$0.polls { $0.idleReads = 0 }
            }
            if !codes.isEmpty { controller.press(codes) }
        }
        if controller.isIdle { goOnLater() }
    }

    private func more(_ count: Int, _ input: ConsoleInput) -> [UInt8] {
        input.fill(upTo: count)
        var bytes: [UInt8] = []
        input.read(upTo: count) { bytes.append($0) }
        return bytes
    }

    func end() -> UInt64 {
        input?.detach()
        return 0
    }
}
