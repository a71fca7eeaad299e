import DeviceModel
import LinuxHost
import Synchronization

/// Turns what a guest's text screen shows into bytes for whoever looks.
public protocol ScreenRenderer: Sendable {
    /// The guest begins.
    mutating func begin() -> [UInt8]
    /// The screen has changed.
    mutating func show(_ image: ScreenImage) -> [UInt8]
    /// The run is over.
    ///
    /// - Parameter image: nil where there is no screen in the guest's RAM.
    mutating func end(_ image: ScreenImage?) -> [UInt8]
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
/// Concurrency model: the machine's loop looks, and at the end whoever ends the run. Nobody waits for the reader.
final class ScreenWatch: Sendable {
    private struct State {
        var renderer: any ScreenRenderer
        var last: ScreenImage?
        var isOver = false
    }

    /// How many bytes may wait for a slow reader, who sees only then what there is.
    private static let limit = 4096

    private let memory: GuestMemory
    private let controller: ScreenController
    let output: ConsoleOutput
    private let interval: Int64
    private let loop: EventLoop
    private let state: Mutex<State>

    init(_ configuration: ScreenConfiguration, _ host: MachineHost) throws(VMMError) {
        memory = host.memory
        controller = host.screen
        output = configuration.output ?? host.output
        interval = max(1_000_000, Int64(configuration.interval / .nanoseconds(1)))
        loop = try VMM.host { () throws(HostError) in try host.loops.light() }
        state = Mutex(State(renderer: configuration.renderer))
    }

    func begin() {
        state.withLock { write($0.renderer.begin()) }
        lookAgain()
    }

    private func lookAgain() {
        if output.pendingCount < Self.limit { look() }
        _ = output.flush { _ in true }
        loop.after(interval, .devices) { [weak self] in self?.lookAgain() }
    }

    private func look() {
        guard let image = ScreenImage(of: memory, controller) else { return }
        state.withLock { state in
            guard !state.isOver, state.last != image else { return }
            state.last = image
            write(state.renderer.show(image))
        }
    }

    /// The vCPUs run no more.
    func end() {
        let image = ScreenImage(of: memory, controller)
        state.withLock { state in
            state.isOver = true
            write(state.renderer.end(image))
        }
    }

    private func write(_ bytes: [UInt8]) {
        // SAFETY: raw bytes of a byte span are its elements.
        if !bytes.isEmpty { output.write(unsafe bytes.span.bytes) }
    }
}
