/// What people type out of habit: words of QEMU (its invocation.html) and of kvmtool's `lkvm run`, and what they are here.
struct ForeignWord {
    private let names: [String]
    private let takesValue: Bool
    /// What is said behind the words that were typed.
    private let advice: @Sendable (String) -> String

    private init(_ names: String, takesValue: Bool = true, _ advice: @escaping @Sendable (String) -> String) {
        self.names = names.split(separator: " ").map(String.init)
        self.takesValue = takesValue
        self.advice = advice
    }

    /// - Parameters:
    ///   - word: with its dash, or two, which QEMU also takes.
    ///   - rest: the words behind it, of which its value is taken away.
    /// - Returns: nil for a word that they do not have.
    static func advice(_ word: String, _ rest: inout ArraySlice<String>) -> String? {
        let parts = word.drop { $0 == "-" }.split(separator: "=", maxSplits: 1).map(String.init)
        guard let name = parts.first, let foreign = all.first(where: { $0.names.contains(name) }) else { return nil }
        var words = "'\(word)'"
        var value = parts.dropFirst().first ?? ""
        if foreign.takesValue, parts.count == 1, let next = rest.first, !next.isOption {
            value = rest.removeFirst()
            words = "'\(word) \(value)'"
        }
        return "\(words) \(foreign.advice(value))"
    }

    private static let all = [
        ForeignWord("kernel k") {
            "is no option here: the kernel is the image, as in: swiftvmm run \($0.orElse("KERNEL").quoted)"
        },
        ForeignWord("append params p") { "is --cmdline \($0.orElse("TEXT").quoted) here" },
        ForeignWord("initrd i") { "is --initrd \($0.orElse("FILE").quoted) here" },
        ForeignWord("m mem") { "is --memory \(memory($0).orElse("SIZE")) here" },
        ForeignWord("smp c") { "is --cpus \(String($0.item("cpus").prefix { $0.isNumber }).orElse("N")) here" },
        ForeignWord("nographic", takesValue: false) { _ in
            "can be left out: the guest's serial port is standard input and output anyway"
        },
        ForeignWord("display vga") { _ in "can be left out: there is no display" },
        ForeignWord("serial") { "is --serial \(serial($0)) here" },
        ForeignWord("hda hdb hdc hdd") { "is --disk \($0.orElse("FILE").quoted) here, a virtio disk" },
        ForeignWord("drive") { "is --disk \(disk($0)) here, a virtio disk" },
        ForeignWord("disk") { "is --disk \($0.orElse("FILE").quoted) here" },
        ForeignWord("d", logOrDisk),
        ForeignWord("D trace") { "is --trace \($0.orElse("FILE").quoted) here" },
        ForeignWord("cdrom fda fdb sd pflash") {
            "has no equivalent; a raw image can be a virtio disk: --disk \($0.orElse("FILE").quoted)"
        },
        ForeignWord("s S", takesValue: false) { _ in noDebugger },
        ForeignWord("gdb") { _ in noDebugger },
        ForeignWord("no-reboot", takesValue: false) { _ in "can be left out: a reset ends the run anyway" },
        ForeignWord("no-shutdown", takesValue: false) { _ in "has no equivalent: a guest that powers off ends the run"
        },
        ForeignWord("cpu") { _ in "can be left out: the guest has the host's processor" },
        ForeignWord("machine M") { _ in "can be left out: there is one kind of machine" },
        ForeignWord("accel") { _ in alwaysKVM },
        ForeignWord("enable-kvm", takesValue: false) { _ in alwaysKVM },
        ForeignWord("device", device),
        ForeignWord("debugcon") { _ in noDebugConsole },
        ForeignWord("bios L") { _ in "has no equivalent: there is no firmware, and the image is booted directly" },
        ForeignWord("monitor qmp") { _ in "can be left out: there is no monitor" },
        ForeignWord("net nic netdev network n") { _ in "has no equivalent: there is no network" },
        ForeignWord("parallel audio audiodev usbdevice") { _ in "can be left out: there is no such device" },
        ForeignWord("usb snapshot daemonize", takesValue: false) { _ in "has no equivalent" },
        ForeignWord("boot rtc name global") { _ in "can be left out: it has no equivalent" },
        ForeignWord("nodefaults no-user-config no-acpi no-hpet", takesValue: false) { _ in
            "can be left out: it has no equivalent"
        },
        ForeignWord("chardev object") { _ in
            "has no equivalent: --serial, --virtio-console and --virtio-port say themselves what they are connected to"
        },
    ]

    private static let noDebugger =
        "has no equivalent: no debugger can be attached; --trace FILE writes a line for each exit of the guest"
    private static let noDebugConsole = "can be left out: port 0xE9 always prints on standard output"
    private static let alwaysKVM = "can be left out: it is always KVM"

    /// In QEMU a number alone means MiB.
    private static func memory(_ value: String) -> String {
        let size = value.item("size")
        return !size.isEmpty && size.utf8.allSatisfy { (0x30...0x39).contains($0) } ? size + "M" : size
    }

    private static func serial(_ value: String) -> String {
        switch value {
        case "stdio", "mon:stdio": "stdio"
        case "none": "null"
        default: (try? ConsoleEnd.parse(value)) == nil ? "END" : value.quoted
        }
    }

    private static func disk(_ value: String) -> String {
        let isReadOnly = ["on", ""].contains(value.item("readonly", unnamed: false, missing: "off"))
        return value.item("file", unnamed: false).orElse("FILE").quoted + (isReadOnly ? ",ro" : "")
    }

    /// QEMU logs what is asked for, kvmtool has a disk.
    private static func logOrDisk(_ value: String) -> String {
        let items = ["int", "cpu_reset", "in_asm", "out_asm", "exec", "cpu", "mmu", "guest_errors", "unimp", "pcall"]
        return items.contains(value.item(""))
            ? "is --trace FILE here, a line for each exit of the guest"
            : "is --disk \(value.orElse("FILE").quoted) here"
    }

    private static func device(_ value: String) -> String {
        switch value.item("driver") {
        case "isa-debug-exit":
            let port = value.item("iobase", unnamed: false)
            return port.lowercased() == "0xf4"
                ? "can be left out: the port for it, 0xF4, is always there"
                : "can be left out: the port for it is always there, but it is 0xF4, to which the guest has to write"
        case "isa-debugcon": return noDebugConsole
        case "pvpanic": return "can be left out: the port for it, 0x505, is always there"
        case "virtconsole": return "is --virtio-console END here"
        case "virtserialport": return "is --virtio-port \(value.item("name", unnamed: false).orElse("NAME"))=END here"
        case let name where name.hasPrefix("virtio-rng"): return "is --rng here"
        case let name where name.hasPrefix("virtio-blk"): return "is --disk FILE here"
        case let name where name.hasPrefix("virtio-serial"):
            return "can be left out: --virtio-console and --virtio-port bring it"
        default:
            return
                "has no equivalent: devices are serial ports, a virtio-console (--virtio-console), disks (--disk) and random bytes (--rng)"
        }
    }
}

extension String {
    fileprivate func orElse(_ other: String) -> String { isEmpty ? other : self }

    /// As a shell takes it.
    fileprivate var quoted: String {
        contains { " \"$&|;<>()*?".contains($0) } ? "'\(self)'" : self
    }

    /// Of items with commas between them the value of one.
    ///
    /// - Parameters:
    ///   - unnamed: whether the first item may be it, without its name.
    ///   - missing: what stands for one that is not there.
    fileprivate func item(_ name: String, unnamed: Bool = true, missing: String = "") -> String {
        let items = split(separator: ",").map(String.init)
        if let item = items.first(where: { $0.hasPrefix("\(name)=") }) { return String(item.dropFirst(name.count + 1)) }
        if items.contains(name) { return "" }
        return unnamed ? items.first.flatMap { $0.contains("=") ? nil : $0 } ?? missing : missing
    }
}
