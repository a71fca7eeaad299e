import Glibc
import LinuxHost
import SystemPackage

/// What is taken of an image whose size nobody knows before: of one that comes through a pipe.
struct ImageLimits {
    /// In bytes.
    let size: UInt64
    /// Until when it is waited for.
    let deadline: Deadline
    /// Ends the wait when it is asked to stop the machine.
    let control: MachineControl?

    /// How often the reasons to give up are looked at, in nanoseconds.
    private static let interval: Int64 = 20_000_000

    /// - Parameter memorySize: the machine's RAM in bytes; nil for what is usual, which is most for Linux.
    init(memorySize: UInt64? = nil, until deadline: Deadline = .never, control: MachineControl? = nil) {
        size = memorySize ?? ImageFormat.linux.standardMemory
        self.deadline = deadline
        self.control = control
    }

    /// Memory for as much, and a page more, so that there is room for what is too much.
    func makeMemory() throws(ImageError) -> HostMemory {
        let page = MemoryMap.pageSize
        let (room, overflows) = size.addingReportingOverflow(2 * page)
        do throws(HostError) { return try HostMemory(size: overflows ? .max : Int(clamping: room & ~(page - 1))) } catch
        {
            throw .noRoom(error)
        }
    }

    /// How long to wait before the next ``check()``, in nanoseconds.
    var patience: Int64 { max(0, min(Self.interval, deadline.timeLeft)) }

    /// Whether someone wants the program to end, however much of the image is still to come.
    func check() throws(ImageError) {
        if StopSignals.caught != nil { throw .cannotRead(Errno(rawValue: EINTR)) }
        if control?.stopIsRequested == true { throw .stopped }
        if deadline.isOver { throw .deadline }
    }
}

/// An image that has no size and no places to read at, such as a pipe.
enum ImageStream {
    /// How much is read at once, in bytes.
    private static let piece = 1 << 20

    /// Reads to the end.
    ///
    /// - Returns: the bytes, and how many there are.
    static func read(_ descriptor: Int32, _ limits: ImageLimits) throws(ImageError) -> (HostMemory, Int) {
        let memory = try limits.makeMemory()
        let stream = Stream(descriptor, for: .reading)
        var size = 0
        while true {
            try limits.check()
            // A named pipe that nobody has opened yet would seem to be at its end.
            guard case .ready = InterruptibleWait.wait(for: stream.number, nanoseconds: limits.patience) else {
                continue
            }
            // SAFETY: the memory has room for a byte more than the limit, and lives longer than the call.
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: memory.bytes[size...].prefix(piece))
            var bytes = unsafe MutableRawSpan(_unsafeBytes: room)
            let count = stream.read(into: &bytes)
            if count == 0 { return (memory, size) }
            if count < 0 {
                let error = Errno(negated: count)
                guard [EAGAIN, EINTR].contains(error.rawValue) else { throw .cannotRead(error) }
                continue
            }
            size += count
            guard size <= limits.size else { throw .overLimit(limits.size) }
        }
    }
}
