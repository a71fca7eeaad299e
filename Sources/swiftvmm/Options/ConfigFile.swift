import Glibc
import LinuxHost
import VMM

/// The file that `--config` names: a machine as JSON.
struct ConfigFile {
    /// In bytes; far more than anybody writes.
    private static let limit: UInt64 = 1 << 20

    let path: String
    let machine: MachineDescription

    /// - Parameter deadline: until when one that comes through a pipe is waited for.
    /// - Throws: `Failure`. All that is wrong in the file has been said but for the last.
    init(_ path: String, until deadline: Deadline) throws {
        self.path = path
        let bytes = try Self.read(path, until: deadline)
        var machine: MachineDescription
        do {
            machine = try MachineDescription(JSONReader.value(of: bytes))
        } catch let faults as ConfigurationFaults {
            throw Failure(faults.faults.map { "\(path): \($0)" }, of: path)
        } catch {
            throw Failure(status: .usage, message: "\(path) is no JSON: \(error)")
        }
        machine.movePaths { Self.place($0, beside: path) }
        self.machine = machine
    }

    private static func read(_ path: String, until deadline: Deadline) throws(Failure) -> [UInt8] {
        do throws(ImageError) {
            return try SmallFile.read(path, limit: limit, until: deadline)
        } catch {
            if let signal = StopSignals.caught { throw Failure(signal: signal) }
            let reason =
                switch error {
                case .notRegularFile(let kind): "it is \(kind); give a file that describes a machine, as JSON"
                case .empty: "it is empty; give a file that describes a machine, as {\"image\": \"guest.elf\"}"
                case .overLimit(let limit): "it has more than \(limit) bytes; give a file that describes a machine"
                default: error.description
                }
            throw Failure(
                status: error == .deadline ? .deadline : .badImage, message: "cannot read --config \(path): \(reason)")
        }
    }

    /// A path of the file's as the shell would take it in the file's folder; beside a pipe or a stream, which is in none, in this one.
    private static func place(_ path: String, beside file: String) -> String {
        var status = stat()
        // SAFETY: a C string for the length of the call, and the caller's own structure.
        let isRegular = unsafe stat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        guard !path.hasPrefix("/") else { return path }
        let isStream = file.hasPrefix("/dev/") || file.hasPrefix("/proc/")
        if isRegular, !isStream, let slash = file.lastIndex(of: "/") {
            return "\(file[...slash])\(path)"
        }
        // Alone a dash would be standard input.
        return path == "-" ? "./-" : path
    }
}

extension MachineDescription {
    fileprivate mutating func movePaths(_ place: (String) -> String) {
        image = image.map(place)
        for index in modules.indices { modules[index].path = place(modules[index].path) }
        devices = devices.map { device in
            if case .disk(let path, let readOnly) = device {
                .disk(path: place(path), readOnly: readOnly)
            } else {
                device
            }
        }
    }
}

extension RunOptions {
    /// What is asked for by the words of a command, and beneath them by the file that `--config` names there.
    ///
    /// - Parameters:
    ///   - start: when the program began, for one that runs the guest: the file is waited for until its deadline then, and signals end that.
    ///   - read: what the words ask for over what is given.
    static func layered(since start: Int64? = nil, _ read: (RunOptions) throws -> RunOptions?) throws -> RunOptions? {
        let words = try read(RunOptions(image: ""))
        guard let words, let path = words.config else { return words }
        guard !path.isEmpty else {
            throw Failure(status: .usage, message: "--config takes the name of a file, not an empty one")
        }
        if let stream = StandardStreams.regularFile(at: path) {
            throw Failure(status: .usage, message: "--config \(path) is where \(stream) goes; send that elsewhere")
        }
        var deadline = Deadline.never
        if let start {
            try EndSignals.catch()
            deadline = Deadline(after: words.timeout.map { .seconds($0) }, since: start)
        }
        let options = try read(RunOptions(try ConfigFile(path, until: deadline)))
        try options?.checkDescribed()
        guard let options, !options.image.isEmpty else {
            throw Failure(
                status: .usage,
                message:
                    "\(path) names no image; give one there (\"image\": \"guest.elf\"), or as a word beside --config")
        }
        return options
    }

    private init(_ file: ConfigFile) {
        let machine = file.machine
        self.init(image: machine.image ?? "")
        described = machine
        format = machine.format
        mode = machine.mode
        placement = machine.placement
        memory = machine.memory
        initrds = machine.modules.map { ModuleOption($0, of: file.path) }
        cpus = machine.vcpus
        cmdline = machine.commandLine
        irqchip = machine.interruptControllers
        usesEventFDs = machine.eventfds
        timeout = machine.timeout
    }
}

/// What is wrong with a machine that a file describes is told with the file and the key, unless words of the command ask for it.
extension RunOptions {
    /// What does not go together whatever the image is, with the words laid over the file. What the words alone ask for is looked at when the
    /// machine is planned.
    private func checkDescribed() throws(Failure) {
        guard let path = config, var machine = described else { return }
        (machine.memory, machine.vcpus, machine.interruptControllers) = (memory, cpus, irqchip)
        do throws(ConfigurationFaults) {
            try MachineConfiguration(machine, image: .file(image)).validate(readsFiles: false)
        } catch {
            let faults = error.faults.filter { $0.key.hasPrefix("devices[") || isDescribed($0.key) }
            if !faults.isEmpty { throw Failure(faults.map { "\(path): \($0)" }, of: path) }
        }
    }

    /// Why the machine cannot be made or cannot go on.
    func failure(_ error: VMMError) -> Failure {
        guard let path = config, let key = describedKey(of: error) else {
            return Failure(status: error.exitStatus, message: error.words)
        }
        return Failure(status: error.exitStatus, message: "\(path): \(key): \(error)")
    }

    /// Where the file has what an error is of; nil for what it has not.
    private func describedKey(of error: VMMError) -> String? {
        guard let machine = described else { return nil }
        switch error {
        case .image: return isDescribed("image") ? "image" : nil
        case .module(let name, _):
            return machine.modules.firstIndex { $0.path == name }.map { "modules[\($0)]" }
        case .configuration(let words):
            for (number, device) in machine.devices.enumerated() {
                if case .disk(let path, _) = device, words.hasPrefix(DiskConfiguration.fault(path, "")) {
                    return "devices[\(number)]"
                }
            }
            do throws(ConfigurationFaults) {
                try configuration(with: ConsoleLines(unopenedFor: self)).validate()
                return nil
            } catch let faults {
                return faults.faults.first { $0.error == error && isDescribed($0.key) }?.key
            }
        default: return nil
        }
    }

    /// Whether what stands at a key of the file's is what is asked for.
    private func isDescribed(_ key: String) -> Bool {
        guard let machine = described else { return false }
        switch key {
        case "image": return image == machine.image
        case "mode": return mode == machine.mode
        case "load": return placement.load == machine.placement.load
        case "entry": return placement.entry == machine.placement.entry
        case "memory": return memory == machine.memory
        case "modules": return !machine.modules.isEmpty
        case "vcpus": return cpus == machine.vcpus
        case "commandLine": return cmdline == machine.commandLine
        case "interruptControllers": return irqchip == machine.interruptControllers
        default: return false
        }
    }
}
