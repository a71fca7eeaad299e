@_exported import VMM

/// A guest that a test runs: an image, and the machine that it is given. A value, so that tests share and vary one:
///
/// ```swift
/// let kernel = Guest("kernel.elf").memory(.mebibytes(64))
/// try await kernel.expect(output: "ok\n", exit: 0)
/// try await kernel.cpus(4).expect(output: .containing("4 CPUs"), exit: 0)
/// ```
///
/// Each run has a machine of its own, in this process, on threads of its own. Nothing of the process changes by it, but for the
/// signal by which KVM's vCPUs are stopped (`SIGRTMIN + 4`).
public struct Guest: Sendable {
    /// Where a guest prints, and what ``input(_:)`` and ``Session/send(_:)`` reach.
    public enum Console: CaseIterable, Sendable {
        /// COM1, or a boot sector's keyboard; the debug console, port 0xE9, and the hypercall doorbell print as well.
        case serial
        /// A virtio-console, which gets the input in place of COM1.
        case virtio
    }

    /// How long a run may take unless ``deadline(_:)`` says otherwise.
    public static let standardDeadline = Duration.seconds(10)

    let image: ImageSource
    private var bytes: [UInt8]?
    private var changes: [@Sendable (inout MachineConfiguration) -> Void] = []

    /// - Parameter path: of a file that `swiftvmm run` takes too; `swift test` runs tests in the package's folder.
    public init(_ path: String) {
        self.init(.file(path))
    }

    public init(_ image: ImageSource) {
        self.image = image
    }

    /// RAM; 64 MiB where nothing is said, and 512 MiB for Linux.
    public func memory(_ size: MemorySize) -> Guest {
        configure { $0.memorySize = size.bytes }
    }

    /// How many vCPUs it has; with more than one it has interrupt controllers too.
    public func cpus(_ count: Int) -> Guest {
        configure { $0.vcpuCount = count }
    }

    /// What a kernel is told, by its boot protocol.
    public func commandLine(_ words: String) -> Guest {
        configure { $0.commandLine = words }
    }

    /// The mode that a flat image is entered in; real mode where nothing is said.
    public func mode(_ mode: CPUMode) -> Guest {
        configure { $0.mode = mode }
    }

    /// PICs, I/O APIC, local APICs and a timer.
    public func interruptControllers(_ controllers: InterruptControllers) -> Guest {
        configure { $0.interruptControllers = controllers }
    }

    public func console(_ console: Console) -> Guest {
        guard console == .virtio else { return self }
        return configure {
            $0.devices.append(.virtioConsole(VirtioConsoleConfiguration(input: $0.input)))
            $0.input = nil
        }
    }

    /// What the console receives from the beginning, in UTF-8; more than one is one after the other.
    public func input(_ text: String) -> Guest {
        var guest = self
        guest.bytes = (bytes ?? []) + Array(text.utf8)
        return guest
    }

    /// How long a run may take, the wait for its image included, instead of ``standardDeadline``. One that takes longer is stopped.
    public func deadline(_ duration: Duration) -> Guest {
        configure { $0.timeout = duration }
    }

    /// Changes anything else of the machine: disks, modules, devices of the test's own. Called for each run. What it must leave alone
    /// is `output` and `control`.
    public func configure(_ change: @escaping @Sendable (inout MachineConfiguration) -> Void) -> Guest {
        var guest = self
        guest.changes.append(change)
        return guest
    }

    /// Of a run.
    ///
    /// - Parameter isDialogue: whether more input may come while it runs.
    func configuration(output: ConsoleOutput, isDialogue: Bool) -> (MachineConfiguration, input: ConsoleInput?) {
        var configuration = MachineConfiguration(image: image, output: output)
        configuration.timeout = Self.standardDeadline
        if isDialogue {
            // The test alone fills it.
            let queue = ConsoleInput(queueOf: .max)
            _ = queue.append(bytes ?? [])
            configuration.input = queue
        } else {
            configuration.input = bytes.map { ConsoleInput($0) }
        }
        let input = configuration.input
        for change in changes { change(&configuration) }
        return (configuration, input)
    }
}

/// An amount of memory.
public struct MemorySize: Equatable, Sendable, CustomStringConvertible {
    public let bytes: UInt64

    public init(bytes: UInt64) {
        self.bytes = bytes
    }

    /// Of 1,024 × 1,024 bytes each. More than there can be is more than any machine gets, and said by the run.
    public static func mebibytes(_ count: UInt64) -> MemorySize { of(count, 1 << 20) }

    /// Of 1,024 mebibytes each.
    public static func gibibytes(_ count: UInt64) -> MemorySize { of(count, 1 << 30) }

    public var description: String { bytes % (1 << 20) == 0 ? "\(bytes >> 20) MiB" : "\(bytes) bytes" }

    private static func of(_ count: UInt64, _ unit: UInt64) -> MemorySize {
        let (bytes, isTooLarge) = count.multipliedReportingOverflow(by: unit)
        return MemorySize(bytes: isTooLarge ? .max : bytes)
    }
}
