import Glibc

/// A call of the system that a thread is refused from some moment on, with EIO: a filter of seccomp(2), which is the thread's alone and
/// ends with it.
enum RefusedCall: UInt32 {
    case fdatasync = 75

    /// Has it refused to the calling thread.
    ///
    /// - Returns: false where the system cannot.
    func refuse() -> Bool {
        typealias Prctl = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
        // Swift has no calls with any number of arguments.
        // SAFETY: the function has this form on x86-64, where further arguments are passed like named ones.
        guard let symbol = unsafe dlsym(nil, "prctl") else { return false }
        let prctl = unsafe unsafeBitCast(symbol, to: Prctl.self)
        // Load the call's number; allow all but this one; allow; an error with the number 5 (seccomp(2), linux/filter.h).
        let filter: [UInt64] = [
            0x20, 0x15 | 1 << 16 | UInt64(rawValue) << 32, 0x06 | 0x7FFF_0000 << 32, 0x06 | (0x0005_0000 | 5) << 32,
        ]
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
