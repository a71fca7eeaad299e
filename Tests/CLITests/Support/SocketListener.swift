import Glibc
import KVM
import LinuxHost
import SystemPackage
import TestSupport
import Testing

/// A program that listens at a socket in the file system.
final class SocketListener: Sendable {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        try #require(path.utf8.count < 108)
        // SAFETY: the path fits, and its end is marked by the zeros that the structure has. The structure is larger than its
        // beginning, which is what the call takes, and its size is told.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let result = unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0 && listen(descriptor, 1) == 0, "\(path): \(Errno.current)")
    }

    deinit { close(descriptor) }

    /// Waits for a program to connect.
    func accept() async throws -> HostLine {
        let end = ContinuousClock.now + TestScale.patience
        while true {
            let line = Glibc.accept(descriptor, nil, nil)
            if line >= 0 { return HostLine(line) }
            try #require(ContinuousClock.now < end, "nobody connects")
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
