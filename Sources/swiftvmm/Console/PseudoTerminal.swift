import Glibc
import LinuxHost
import SystemPackage
import VMM

/// A pseudo-terminal whose other side is a console of the guest: bytes pass unchanged. Programs may open it and go away as
/// they like. While none has it open, what the guest sends is lost, as with a cable that ends nowhere; one that has it open
/// and reads nothing holds the guest up, as with a pipe.
struct PseudoTerminal {
    /// What messages call its device.
    private let name: String
    /// Where programs open it.
    let path: String
    let output: ConsoleOutput
    let input: ConsoleInput
    private let descriptor: Int32

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
            self.path = path
            self.descriptor = descriptor
            input = ConsoleInput(descriptor: descriptor, survivesHangup: true)
            output = ConsoleOutput(descriptor: descriptor, discardsWhenHungUp: true)
        } catch {
            throw Failure(
                status: .outputFailed, message: "cannot make a pseudo-terminal for the \(label.name): \(error)")
        }
    }

    private static func openOther(_ path: String) throws(Errno) -> Int32 {
        // SAFETY: the path is a C string for the length of the call.
        let descriptor = unsafe open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .current }
        return descriptor
    }

    private var isOpenElsewhere: Bool { readiness(of: descriptor, 0) & Int16(POLLHUP) == 0 }

    /// Lets a reader take the rest, up to the deadline: what it has not taken goes with the terminal, and is told.
    func close(by deadline: ContinuousClock.Instant) {
        if isOpenElsewhere, let other = try? Self.openOther(path) {
            // Nothing tells when the other side has been read.
            while Self.unreadCount(other) > 0, ContinuousClock.now < deadline { poll(nil, 0, 5) }
            let rest = Self.unreadCount(other)
            if rest > 0 { StandardStreams.say("\(rest) bytes of the \(name) were not taken by their reader") }
            Glibc.close(other)
        }
        Glibc.close(descriptor)
    }

    private static func unreadCount(_ other: Int32) -> Int32 {
        // What was written may still be on its way within the kernel: poll(2) brings it to where it is counted.
        _ = readiness(of: other, POLLIN)
        var count: Int32 = 0
        // SAFETY: the call fills one number, the caller's own.
        return unsafe ioctl(other, UInt(FIONREAD), &count) == 0 ? count : 0
    }
}
