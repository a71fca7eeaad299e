import DeviceModel
import LinuxHost
import Synchronization

/// Turns what a guest's text screen shows into bytes for whoever looks.
public protocol ScreenRenderer: Sendable {
    /// The guest begins.
    mutating func begin() -> [UInt8]
    /// The screen has changed.
    mutating func show(_ image: ScreenImage) -> [UInt8]
    /// Whether it is to be shown though it has not changed. Asked at each look.
    var isStale: Bool { mutating get }
    /// The run is over.
    ///
    /// - Parameter image: nil where there is no screen in the guest's RAM.
    mutating func end(_ image: ScreenImage?) -> [UInt8]
}

extension ScreenRenderer {
    public var isStale: Bool { false }
}

/// Where a guest's text screen is shown, and as what. Its keyboard gets the machine's input then, and what a BIOS prints is on the screen
/// alone.
public struct ScreenConfiguration: Sendable {
    public var renderer: any ScreenRenderer
    /// Nil for the machine's own output.
    public var output: ConsoleOutput?
    /// How often it is looked at.
    public var interval: Duration

    public init(_ renderer: any ScreenRenderer, output: ConsoleOutput? = nil, interval: Duration = .milliseconds(33)) {
        (self.renderer, self.output, self.interval) = (renderer, output, interval)
    }
}

/// Looks at a guest's text screen while it runs.
///
/// Concurrency model: the machine's loop looks and writes, and at the end whoever ends the run. Nobody waits for the reader: where there is no
/// room, the loop goes on when there is, and the reader sees only then what is there.
final class ScreenWatch: Sendable {
    private struct State {
        var renderer: any ScreenRenderer
        var last: ScreenImage?
        var isHolder = false
    }

    /// How many bytes may wait for the reader, who sees only then what there is.
    private static let limit = 4096
    /// How long the end waits for a write that is under way, in nanoseconds.
    private static let patience: Int64 = 200_000_000

    private let host: MachineHost
    let output: ConsoleOutput
    private let interval: Int64
    /// Where the output's bytes are written.
    private let loop: EventLoop
    private let state: Mutex<State>
    private let isOver = Atomic<Bool>(false)

    init(_ configuration: ScreenConfiguration, _ host: MachineHost) throws(VMMError) {
        self.host = host
        let output = configuration.output ?? host.output
        self.output = output
        let (seconds, attoseconds) = configuration.interval.components
        interval = max(1_000_000, min(60, max(0, seconds)) * 1_000_000_000 + attoseconds / 1_000_000_000)
        loop = try VMM.host { () throws(HostError) in try output.attach(host.loops.loop(for:)) }
        state = Mutex(State(renderer: configuration.renderer))
    }

    func begin() {
        state.withLock { write($0.renderer.begin()) }
        loop.post { [weak self] in self?.lookAgain() }
    }

    private func lookAgain() {
        state.withLock { state in
            guard !isOver.load(ordering: .sequentiallyConsistent) else { return }
            if output.pendingCount < Self.limit { look(&state) }
            pass(&state)
        }
        loop.after(interval, .devices) { [weak self] in self?.lookAgain() }
    }

    private func look(_ state: inout State) {
        guard let image = ScreenImage(of: host.memory, host.screen) else { return }
        guard state.last != image || state.renderer.isStale else { return }
        state.last = image
        write(state.renderer.show(image))
    }

    /// Writes what is held back, as far as there is room.
    private func pass(_ state: inout State) {
        var (nothing, lost) = (GuestBytes(memory: host.memory), UInt64(0))
        let wake: EventLoop.Work = { [weak self] in
            guard let self else { return }
            loop.post { [weak self] in self?.goOn() }
        }
        let result = output.pass(
            &nothing, for: ObjectIdentifier(self), losing: &lost, isHolder: &state.isHolder, unless: { false },
            wake: wake)
        switch result {
        case .failed(let error): host.control.fail(.output(error))
        case .again: loop.post { [weak self] in self?.goOn() }
        case .done, .waits: break
        }
    }

    private func goOn() {
        state.withLock { state in
            if !isOver.load(ordering: .sequentiallyConsistent) { pass(&state) }
        }
    }

    /// The vCPUs run no more: what is written now, whoever ends the run writes out. A write that hangs keeps that from nobody.
    func end() {
        isOver.store(true, ordering: .sequentiallyConsistent)
        let deadline = MonotonicClock.after(Self.patience)
        while !isShown(ScreenImage(of: host.memory, host.screen)), MonotonicClock.now < deadline {
            _ = InterruptibleWait.wait(for: -1, nanoseconds: 1_000_000)
        }
    }

    private func isShown(_ last: ScreenImage?) -> Bool {
        let isDone: Bool? = state.withLockIfAvailable { state in
            if state.isHolder { output.release() }
            state.isHolder = false
            write(state.renderer.end(last))
            return true
        }
        return isDone ?? false
    }

    /// The loops have ended.
    func close() { output.detach() }

    private func write(_ bytes: [UInt8]) {
        // SAFETY: raw bytes of a byte span are its elements.
        if !bytes.isEmpty { output.write(unsafe bytes.span.bytes) }
    }
}
