import Glibc
import KVM
import LinuxHost
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// One end of a line to the program under test: a terminal, a socket.
final class HostLine: Sendable {
    private struct State {
        var descriptor: Int32
        var received: [UInt8] = []
    }

    private let state: Mutex<State>

    /// - Parameter descriptor: is the line's own from now on.
    init(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        state = Mutex(State(descriptor: descriptor))
    }

    /// Opens a terminal.
    convenience init(opening path: String) throws {
        // SAFETY: the path is a C string for the length of the call.
        let descriptor = unsafe open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        try #require(descriptor >= 0, "\(path): \(Errno.current)")
        self.init(descriptor)
    }

    deinit { close() }

    var descriptor: Int32 { state.withLock { $0.descriptor } }

    /// All that came so far.
    var received: [UInt8] { state.withLock { $0.received } }

    var text: String { String(decoding: received, as: UTF8.self) }

    /// Whether the other end is gone.
    var isHungUp: Bool {
        var request = pollfd(fd: descriptor, events: 0, revents: 0)
        // SAFETY: one structure, the caller's own.
        return unsafe poll(&request, 1, 0) > 0 && request.revents & Int16(POLLHUP) != 0
    }

    func close() {
        state.withLock {
            if $0.descriptor >= 0 { Glibc.close($0.descriptor) }
            $0.descriptor = -1
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        // SAFETY: the bytes live for the length of the call.
        let count = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        try #require(count == bytes.count)
    }

    /// Takes what has come.
    func look() {
        state.withLock { state in
            var bytes = [UInt8](repeating: 0, count: 4096)
            while true {
                // SAFETY: the system fills as many of the bytes as it returns, at most as many as there are.
                let count = unsafe bytes.withUnsafeMutableBytes {
                    unsafe read(state.descriptor, $0.baseAddress, $0.count)
                }
                guard count > 0 else { return }
                state.received += bytes.prefix(count)
            }
        }
    }

    /// Waits until this text has come.
    func wait(for text: String) async throws {
        try await wait(for: "\"\(text)\"") { self.text.contains(text) }
    }

    func wait(for what: String, _ condition: () -> Bool) async throws {
        let end = ContinuousClock.now + TestScale.patience
        look()
        while !condition() {
            try #require(ContinuousClock.now < end, "no \(what); what came is \(text)")
            try await Task.sleep(for: .milliseconds(5))
            look()
        }
    }
}
