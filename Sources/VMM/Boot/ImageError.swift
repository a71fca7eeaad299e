import Glibc
import KVM
import LinuxHost
import SystemPackage

/// Why an image cannot be booted: what is wrong with it, and the remedy where there is one.
public enum ImageError: Error, Equatable, Sendable {
    case cannotOpen(Errno)
    case cannotRead(Errno)
    case notRegularFile(String)
    case empty
    /// A flat image is larger than the RAM from where it is loaded.
    case larger(size: UInt64, thanRoom: UInt64)
    case truncated(String)
    /// What gzip packed is not as it was: how zlib says it.
    case brokenGzip(String)
    /// It comes through a pipe, or is packed, and has more bytes than these.
    case overLimit(UInt64)
    /// Not all of it came in time.
    case deadline
    /// The machine was stopped before all of it had come.
    case stopped
    /// There is no memory for as much of it as the machine's RAM holds.
    case noRoom(HostError)
    /// It is plainly no guest: what it is, and what to do with it.
    case foreign(String)
    /// Nor can it be machine code: why.
    case notCode(String)
    case elf(ELFError)
    case linux(LinuxError)
    case multiboot(MultibootError)
}

extension ImageError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cannotOpen(let error), .cannotRead(let error): "\(error)\(Self.remedy(for: error))"
        case .notRegularFile(let kind): "it is \(kind); give the file of a guest"
        case .empty: "the file is empty; give the file of a guest"
        case .larger(let size, let room):
            "it has \(size) bytes, and the RAM where it is loaded only \(room); give the machine more memory"
        case .overLimit(let limit):
            "it has more than \(limit) bytes, too many to unpack, or to take from a pipe, for this machine; give the machine more memory"
        case .brokenGzip(let words): "what gzip packed is broken (\(words)); copy or pack it again"
        case .deadline: "the deadline passed before all of it had come"
        case .stopped: "the machine was stopped before all of it had come"
        case .noRoom(let error): "\(error); give the machine less memory"
        case .truncated(let part): "the file ends inside its \(part); copy or build it again"
        case .foreign(let words): words
        case .notCode(let words):
            "\(words); give a guest, and for code of another mode that mode, or insist that it is a flat image"
        case .elf(let error): error.description
        case .linux(let error): error.description
        case .multiboot(let error): error.description
        }
    }

    private static func remedy(for error: Errno) -> String {
        switch error.rawValue {
        case ENOENT, ENOTDIR: "; check its name"
        case EACCES, EPERM: "; make it readable for this user"
        default: ""
        }
    }
}
