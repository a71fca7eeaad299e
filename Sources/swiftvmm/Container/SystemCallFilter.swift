import CContainer
import Glibc

/// Which system calls a contained program may make: those that the programs of `guests/host` make, and no other. What makes
/// another dies by SIGSYS.
enum SystemCallFilter {
    /// `execve` is how the program itself is started; there is nothing else that it could execute.
    static let allowed = [__NR_read, __NR_write, __NR_exit, __NR_exit_group, __NR_execve].map { UInt32($0) }

    /// In the kernel's classic BPF (Linux Documentation/userspace-api/seccomp_filter.rst). The architecture comes first: the same
    /// number is another call on another one.
    static let program: [sock_filter] = {
        let count = UInt8(allowed.count)
        var program = [
            load(at: 4), jump(if: ccontainer_architecture, then: 0, else: count + 1),
            load(at: 0),
        ]
        for (index, call) in allowed.enumerated() {
            program.append(jump(if: call, then: count - UInt8(index), else: 0))
        }
        program += [end(0x8000_0000), end(UInt32(SECCOMP_RET_ALLOW))]
        return program
    }()

    /// Of `struct seccomp_data`: the call's number, then the architecture.
    private static func load(at offset: UInt32) -> sock_filter {
        sock_filter(code: ccontainer_load_word, jt: 0, jf: 0, k: offset)
    }

    private static func jump(if value: UInt32, then: UInt8, else: UInt8) -> sock_filter {
        sock_filter(code: ccontainer_jump_if_equal, jt: then, jf: `else`, k: value)
    }

    /// 0x80000000 is SECCOMP_RET_KILL_PROCESS.
    private static func end(_ action: UInt32) -> sock_filter {
        sock_filter(code: ccontainer_return, jt: 0, jf: 0, k: action)
    }
}
