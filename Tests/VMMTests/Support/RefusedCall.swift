import Glibc

/// A call of the system that a thread is refused from some moment on: a filter of seccomp(2), which is the thread's alone and ends
/// with it.
enum RefusedCall {
    /// With EIO.
    case fdatasync
    /// `ioctl(KVM_RUN)`, with EAGAIN.
    case run

    /// Load the call's number; allow all but this one; the same for the low half of its second argument, where that counts; an error;
    /// allow (seccomp(2), linux/filter.h).
    private var filter: [UInt64] {
        switch self {
        case .fdatasync:
            [0x20, 0x15 | 1 << 24 | 75 << 32, 0x06 | (0x0005_0000 | UInt64(EIO)) << 32, 0x06 | 0x7FFF_0000 << 32]
        case .run:
            [
                0x20, 0x15 | 3 << 24 | 16 << 32, 0x20 | 24 << 32, 0x15 | 1 << 24 | 0xAE80 << 32,
                0x06 | (0x0005_0000 | UInt64(EAGAIN)) << 32, 0x06 | 0x7FFF_0000 << 32,
            ]
        }
    }

    /// Has it refused to the calling thread.
    ///
    /// - Returns: false where the system cannot.
    func refuse() -> Bool {
        typealias Prctl = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
        // Swift has no calls with any number of arguments.
        // SAFETY: the function has this form on x86-64, where further arguments are passed like named ones.
        guard let symbol = unsafe dlsym(nil, "prctl") else { return false }
        let prctl = unsafe unsafeBitCast(symbol, to: Prctl.self)
        let filter = filter
        return unsafe filter.withUnsafeBufferPointer { filter in
            // How many there are, and where.
            let program = [UInt(filter.count), UInt(bitPattern: filter.baseAddress)]
            // PR_SET_NO_NEW_PRIVS, then PR_SET_SECCOMP with SECCOMP_MODE_FILTER.
            // SAFETY: both live for the length of the call.
            return unsafe program.withUnsafeBufferPointer { program in
                prctl(38, 1, 0, 0, 0) == 0
                    && prctl(22, 2, UInt(bitPattern: program.baseAddress), 0, 0) == 0
            }
        }
    }
}
