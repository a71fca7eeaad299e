import DeviceModel
import Glibc
import LinuxHost
import Synchronization
import SystemPackage

/// A virtio disk for a machine (VIRTIO 1.2 §5.2): a raw file or a block device.
public struct DiskConfiguration: Sendable {
    public var path: String
    public var isReadOnly: Bool

    public init(path: String, isReadOnly: Bool = false) {
        self.path = path
        self.isReadOnly = isReadOnly
    }
}

extension DiskConfiguration {
    /// Why a file cannot be a disk, in words.
    package static func fault(_ path: String, _ reason: String) -> String {
        "cannot use the disk \(path): \(reason)"
    }
}

extension DiskConfiguration: DeviceDescription {
    var slotRequest: SlotRequest {
        SlotRequest(name: "disk", isNumbered: true, kind: .virtio(deviceID: 2), place: .virtio)
    }

    func makeDevice(_ slot: DeviceSlot, _ host: MachineHost) throws(VMMError) -> any MachineDevice {
        let file = try DiskFile(self)
        host.disks.withLock { $0.append(file) }
        let disk = VirtioBlockDisk(
            capacity: file.size / VirtioBlockDisk.sectorSize, isReadOnly: isReadOnly,
            identifier: Array(slot.name.utf8))
        return try VirtioDevice(slot, host) { doorbell throws(HostError) in
            let task = DiskTask(file, disk, memory: host.memory)
            return PlainVirtioBackend(
                deviceID: 2, features: disk.features,
                // A request has a header and a status besides.
                configuration: disk.configuration(maximumSegments: UInt32(VirtioQueues.size) - 2, blockSize: 512),
                queues: [
                    QueueRunner(task, queue: 0, on: try host.loops.worker(), doorbell: doorbell, host: host)
                ]
            ) { report in
                report.requests = file.requests.load(ordering: .relaxed)
                report.failedRequests = file.failures.load(ordering: .relaxed)
            }
        }
    }
}

/// The open file of a disk, locked against a second writer for as long as it is open.
private final class DiskFile: Sendable {
    let descriptor: OwnedDescriptor
    /// In bytes, one sector at least.
    let size: UInt64
    let isReadOnly: Bool
    let requests = Atomic<UInt64>(0)
    let failures = Atomic<UInt64>(0)

    init(_ configuration: DiskConfiguration) throws(VMMError) {
        let (path, isReadOnly) = (configuration.path, configuration.isReadOnly)
        func fail(_ reason: String) -> VMMError { .configuration(DiskConfiguration.fault(path, reason)) }
        // O_NONBLOCK: opening a named pipe must not wait for its other end. It means nothing for a file or a disk.
        // SAFETY: the path is a C string for the length of the call.
        let number = unsafe open(path, (isReadOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard number >= 0 else { throw fail("\(Errno.current); check its name and its permissions") }
        descriptor = OwnedDescriptor(number: number)
        self.isReadOnly = isReadOnly
        var status = stat()
        // SAFETY: the structure is the caller's own.
        guard unsafe fstat(number, &status) == 0 else { throw fail("\(Errno.current)") }
        guard [S_IFREG, S_IFBLK].contains(status.st_mode & S_IFMT) else {
            throw fail("it is neither a file nor a block device; give one of them")
        }
        let end = lseek(number, 0, SEEK_END)
        guard end >= VirtioBlockDisk.sectorSize else {
            throw fail(
                "it has \(max(0, end)) bytes, which is no sector of 512; make it larger, as with truncate -s 64M")
        }
        guard end % Int(VirtioBlockDisk.sectorSize) == 0 else {
            throw fail("it has \(end) bytes, and a disk has whole sectors of 512; fill it up, as with truncate -s %512")
        }
        size = UInt64(end)
        guard flock(number, (isReadOnly ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 else {
            throw fail(
                "another program has it open, and only one may where one writes; end that program, or give a copy")
        }
    }
}

extension DiskFile: BIOSDrive {
    var sectorCount: UInt64 { size / VirtioBlockDisk.sectorSize }

    func read(at sector: UInt64, into bytes: inout MutableRawSpan) -> Bool {
        requests.wrappingAdd(1, ordering: .relaxed)
        let isDone = WholeIO.read(descriptor.number, at: sector &* VirtioBlockDisk.sectorSize, into: &bytes)
        if !isDone { failures.wrappingAdd(1, ordering: .relaxed) }
        return isDone
    }

    func write(_ bytes: RawSpan, at sector: UInt64) -> BIOSDiskError? {
        requests.wrappingAdd(1, ordering: .relaxed)
        // A BIOS has no other way to say that the data are safe.
        let isDone =
            !isReadOnly && WholeIO.write(descriptor.number, at: sector &* VirtioBlockDisk.sectorSize, bytes)
            && fdatasync(descriptor.number) == 0
        if !isDone { failures.wrappingAdd(1, ordering: .relaxed) }
        return isReadOnly ? .writeProtected : isDone ? nil : .writeFault
    }
}

/// What a disk does with its queue, on a worker: one request after the other, straight on guest memory.
private struct DiskTask: QueueTask {
    /// A request under way.
    private struct Current {
        let request: VirtioBlockRequest
        let head: UInt16
        /// What is not done of its data.
        var bytes: GuestBytes
        var offset: Int64
    }

    private let file: DiskFile
    private let disk: VirtioBlockDisk
    private let memory: GuestMemory
    private var chain = DescriptorChain()
    private var current: Current?

    init(_ file: DiskFile, _ disk: VirtioBlockDisk, memory: GuestMemory) {
        self.file = file
        self.disk = disk
        self.memory = memory
    }

    mutating func work(
        on queue: inout Virtqueue, _ session: VirtioSession, unless mustYield: () -> Bool
    ) throws(VirtqueueError) -> QueueProgress {
        repeat {
            try queue.suppressNotifications()
            while try take(from: &queue, session) {
                guard let (status, written) = perform(session.features, unless: mustYield) else { return .again }
                try finish(status, written, &queue, session)
                if mustYield() { return .again }
            }
        } while try queue.enableNotifications()
        return .waits
    }

    mutating func reset() {
        current = nil
    }

    func hasOutput(_ queue: inout Virtqueue) -> Bool {
        // Of one that its driver has broken nothing more is taken.
        guard let offered = try? queue.availableCount() else { return false }
        return current != nil || offered > 0
    }

    /// Takes the next request, unless one is under way.
    ///
    /// - Returns: whether there is one.
    private mutating func take(
        from queue: inout Virtqueue, _ session: VirtioSession
    ) throws(VirtqueueError) -> Bool {
        guard current == nil else { return true }
        guard try queue.nextChain(into: &chain) else { return false }
        do throws(VirtioBlockRequestError) {
            let request = try VirtioBlockRequest(chain, in: memory)
            var bytes = GuestBytes(memory: memory)
            bytes.append(request.data)
            // Within the disk, once that is checked.
            let offset = Int64(bitPattern: request.byteOffset)
            current = Current(request: request, head: chain.head, bytes: bytes, offset: offset)
            return true
        } catch {
            session.fail(.device("queue 0: \(error)"))
            return false
        }
    }

    /// Goes on with the request.
    ///
    /// - Returns: how it ended, and how many bytes of data were written to guest memory; nil where others should have their turn.
    private mutating func perform(
        _ features: VirtioFeatures, unless mustYield: () -> Bool
    ) -> (VirtioBlockStatus, written: UInt64)? {
        guard let request = current?.request else { return nil }
        if let refusal = disk.refusal(of: request) { return (refusal, 0) }
        switch request.operation {
        case .read, .write:
            let isRead = request.operation == .read
            while let left = current?.bytes.count, left > 0 {
                guard move(isRead) else { return (.ioError, isRead ? request.dataByteCount &- left : 0) }
                if current?.bytes.count ?? 0 > 0, mustYield() { return nil }
            }
            // A driver that does not ask for it has no other way to know that its data are safe.
            if !isRead, !features.contains(.blockFlush), !flush() { return (.ioError, 0) }
            return (.done, isRead ? request.dataByteCount : 0)
        case .flush: return (flush() ? .done : .ioError, 0)
        case .getID:
            let count = try? request.fill(with: disk.identifier, in: memory)
            return count.map { (.done, $0) } ?? (.ioError, 0)
        case .unsupported: return (.unsupported, 0)
        }
    }

    /// Moves a part of the data.
    ///
    /// - Returns: false where the system fails, or the file has become shorter.
    private mutating func move(_ isRead: Bool) -> Bool {
        guard var now = current else { return false }
        let number = file.descriptor.number
        let count =
            isRead ? now.bytes.read(from: number, at: now.offset) : now.bytes.write(to: number, at: now.offset)
        if count == Int(-EINTR) { return true }
        guard count > 0 else { return false }
        now.bytes.removeFirst(count)
        now.offset &+= Int64(count)
        current = now
        return true
    }

    private func flush() -> Bool { fdatasync(file.descriptor.number) == 0 }

    private mutating func finish(
        _ status: VirtioBlockStatus, _ written: UInt64, _ queue: inout Virtqueue, _ session: VirtioSession
    ) throws(VirtqueueError) {
        guard let done = current else { return }
        current = nil
        file.requests.wrappingAdd(1, ordering: .relaxed)
        if status != .done { file.failures.wrappingAdd(1, ordering: .relaxed) }
        try? memory.store(status.rawValue, at: done.request.statusAddress)
        try queue.addUsed(head: done.head, written: done.request.writtenCount(dataBytes: written))
        if try queue.publish() { session.raiseUsedBufferInterrupt(queue: 0) }
    }
}

extension GuestBytes {
    /// Fills bytes with what stands at a place of a file, 64 KiB at most.
    ///
    /// - Returns: how many, or a negative error number.
    fileprivate func read(from descriptor: Int32, at offset: Int64) -> Int {
        // SAFETY: the buffers live for the length of the call.
        withNext { segments in
            unsafe try? memory.withBuffersToWrite(segments) {
                unsafe PositionedIO.read(descriptor, at: offset, into: $0)
            }
        }
    }

    /// Writes bytes to a place of a file, 64 KiB at most.
    ///
    /// - Returns: how many, or a negative error number.
    fileprivate func write(to descriptor: Int32, at offset: Int64) -> Int {
        // SAFETY: the buffers live for the length of the call.
        withNext { segments in
            unsafe try? memory.withBuffersToRead(segments) {
                unsafe PositionedIO.write(descriptor, at: offset, from: $0)
            }
        }
    }
}
