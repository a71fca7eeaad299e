import Glibc
import Testing

/// A pseudo-terminal that passes bytes as they are. The slave end is the guest's; both are closed with it.
final class PseudoTerminal: Sendable {
    private let master: Int32
    let slave: Int32

    init() throws {
        var ends: (master: Int32, slave: Int32) = (-1, -1)
        // SAFETY: the descriptors are the caller's own; no name and no settings are asked for.
        try #require(unsafe openpty(&ends.master, &ends.slave, nil, nil, nil) == 0)
        (master, slave) = ends
        var settings = termios()
        try #require(unsafe tcgetattr(slave, &settings) == 0)
        unsafe cfmakeraw(&settings)
        try #require(unsafe tcsetattr(slave, TCSANOW, &settings) == 0)
    }

    deinit {
        close(slave)
        close(master)
    }

    /// How the slave end treats what goes through: its flags.
    var settings: [tcflag_t] {
        var settings = termios()
        // SAFETY: the structure is the caller's own.
        unsafe tcgetattr(slave, &settings)
        return [settings.c_iflag, settings.c_oflag, settings.c_cflag, settings.c_lflag]
    }

    func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: the bytes live for the length of the call.
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(master, $0.baseAddress, min($0.count, 512)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Writes to the slave end until it takes no more, and then reads so many bytes.
    func fill(leaving room: Int) {
        _ = fcntl(slave, F_SETFL, O_NONBLOCK)
        let bytes = [UInt8](repeating: 0, count: 256)
        // SAFETY: the bytes live for the length of the call.
        while unsafe Glibc.write(slave, bytes, bytes.count) > 0 {}
        _ = fcntl(slave, F_SETFL, 0)
        var left = room
        while left > 0 {
            let count = read(upTo: left).count
            guard count > 0 else { return }
            left -= count
        }
    }

    /// Waits for at least one byte.
    func read(upTo limit: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: limit)
        // SAFETY: the buffer has room for what is asked for.
        let count = unsafe Glibc.read(master, &buffer, limit)
        return Array(buffer.prefix(max(0, count)))
    }
}
