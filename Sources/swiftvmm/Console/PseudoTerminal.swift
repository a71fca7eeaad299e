import Glibc
import LinuxHost
import SystemPackage
import VMM

/// A pseudo-terminal whose other side is a console of the guest: bytes pass unchanged. Programs may open it and go away as
/// they like. While none has it open, what the guest sends is lost, as with a cable that ends nowhere; one that has it open
/// and reads nothing holds the guest up, as with a pipe.
final class PseudoTerminal: Sendable {
    /// How many bytes may wait for the guest before the rest waits in the system.
    private static let inputLimit = 4096
    /// How often it is looked whether someone has opened it, in milliseconds: nothing tells it.
    private static let absenceInterval: Int32 = 100
    /// How often it is looked whether the guest has read, in milliseconds.
    private static let fullInterval: Int32 = 10

    /// What messages call its device.
    private let name: String
    /// Where programs open it.
    let path: String
    let output: ConsoleOutput
    let input: ConsoleInput
    private let descriptor: Int32
    private let thread: HelperThread

    init(for label: ConsoleLabel) throws(Failure) {
        name = label.name
        do throws(Errno) {
            let (descriptor, path) = try TerminalMode.makePair()
            // Closed again at once: from then on the system tells whether anyone has it open.
            let other = try Self.openOther(path)
            defer { Glibc.close(other) }
            try TerminalMode.makeTransparent(other)
            // Poll tells that there is room, and not how much: a write must not hang.
            guard fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else { throw .current }
            let input = ConsoleInput(queueOf: Self.inputLimit)
            self.path = path
            self.descriptor = descriptor
            self.input = input
            output = ConsoleOutput(descriptor: descriptor, discardsWhenHungUp: true)
        } catch {
            throw Self.failure(label, "\(error)")
        }
        let (descriptor, input) = (descriptor, input)
        do throws(HostError) {
            thread = try HelperThread { Self.read(descriptor, into: input, $0) }
        } catch {
            throw Self.failure(label, "\(error)")
        }
    }

    private static func failure(_ label: ConsoleLabel, _ reason: String) -> Failure {
        Failure(status: .outputFailed, message: "cannot make a pseudo-terminal for the \(label.name): \(reason)")
    }

    private static func openOther(_ path: String) throws(Errno) -> Int32 {
        // SAFETY: the path is a C string for the length of the call.
        let descriptor = unsafe open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .current }
        return descriptor
    }

    /// Reads what programs write, until the thread is asked to end. What the guest has no room for waits in the system.
    private static func read(_ descriptor: Int32, into input: ConsoleInput, _ waiter: HelperThread.Waiter) {
        var pause: Int32 = 0
        while true {
            if pause > 0, waiter.wait(for: nil, milliseconds: pause) == .ended { return }
            let room = min(256, inputLimit - input.unreadCount)
            guard room > 0 else {
                pause = fullInterval
                continue
            }
            guard case .ready = waiter.wait(for: descriptor, milliseconds: -1) else {
                // Told to end, or woken by nothing.
                if waiter.wait(for: nil, milliseconds: 0) == .ended { return }
                continue
            }
            var bytes = [UInt8](repeating: 0, count: room)
            // SAFETY: the system fills as many of the bytes as it returns, at most as many as there are.
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            _ = input.append(bytes.prefix(max(0, count)))
            pause = count > 0 ? 0 : absenceInterval
        }
    }

    var isOpenElsewhere: Bool {
        var request = pollfd(fd: descriptor, events: 0, revents: 0)
        // SAFETY: one structure, the caller's own.
        return unsafe poll(&request, 1, 0) == 0 || request.revents & Int16(POLLHUP) == 0
    }

    /// Lets a reader take the rest, up to the deadline: what it has not taken goes with the terminal, and is told.
    func close(by deadline: ContinuousClock.Instant) {
        if isOpenElsewhere, let other = try? Self.openOther(path) {
            while Self.unreadCount(other) > 0, ContinuousClock.now < deadline { usleep(5000) }
            let rest = Self.unreadCount(other)
            if rest > 0 { StandardStreams.say("\(rest) bytes of the \(name) were not taken by their reader") }
            Glibc.close(other)
        }
        thread.stop()
        Glibc.close(descriptor)
    }

    private static func unreadCount(_ other: Int32) -> Int32 {
        var count: Int32 = 0
        // SAFETY: the call fills one number, the caller's own.
        return unsafe ioctl(other, UInt(FIONREAD), &count) == 0 ? count : 0
    }
}
