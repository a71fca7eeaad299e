import Glibc
import GuestTable
import VMM

/// A guest of the table run by the real `swiftvmm`, as a process: what it prints and how it ends.
struct CommandRun: Equatable {
    var output: String
    var errors: String
    var status: Int32

    init(output: String, errors: String, status: Int32) {
        (self.output, self.errors, self.status) = (output, errors, status)
    }

    /// Runs a guest of the table to its end.
    init(_ row: GuestRow, in folder: String, by binary: String) {
        let mode = row.mode.map { "--mode \($0)" } ?? ""
        self.init(
            "\(folder)/\(row.name)", by: binary, input: row.input ?? [],
            options: """
                \(mode) --memory \(row.memory >> 20)M --timeout 300 --cmdline '\(row.commandLine)' \
                --irqchip \(row.interruptControllers) --cpus \(row.vcpuCount) \(Self.consoleOptions(row)) \
                \(Self.deviceOptions(row))
                """)
    }

    private static func deviceOptions(_ row: GuestRow) -> String {
        var options = row.hasEntropy ? "--rng" : ""
        for (number, module) in row.modules.enumerated() {
            let path = "/tmp/guest-check-module\(number)"
            write(Array(module.content.utf8), to: path)
            options += " --initrd '\(path)\(module.arguments.isEmpty ? "" : " ")\(module.arguments)'"
        }
        if row.hasSecondSerialPort { options += " --console uart2" }
        if let sectors = row.diskSectors {
            let path = "/tmp/guest-check-disk"
            unsafe system("dd if=/dev/zero of=\(path) bs=512 count=\(sectors) 2>/dev/null")
            options += " --disk \(path)"
        }
        return options
    }

    private static func consoleOptions(_ row: GuestRow) -> String {
        guard let usesEvents = row.virtioConsoleUsesEvents else { return "" }
        let ports = row.virtioPorts.map { " --virtio-port \($0)=null" }.joined()
        return "--console virtio" + ports + (usesEvents ? "" : " --no-eventfd")
    }

    /// Runs a guest to its end. Names and options need no more quoting than they have, and `/tmp` is the emulated host's own.
    init(_ path: String, by binary: String, input: [UInt8] = [], options: String) {
        self.init(command: "\(binary) run \(path) \(options)", input: input)
    }

    /// Runs a command of the shell to its end.
    init(command: String, input: [UInt8] = []) {
        let scratch = "/tmp/guest-check-\(getpid())"
        Self.write(input, to: "\(scratch).in")
        // SAFETY: C strings for the length of the call, here and below.
        let result = unsafe system("\(command) <\(scratch).in >\(scratch).out 2>\(scratch).err")
        // Of wait(2): 128 and the signal for what a signal ended, as a shell has it.
        status = result & 0x7F == 0 ? result >> 8 & 0xFF : 128 + result & 0x7F
        output = Self.read("\(scratch).out")
        errors = Self.read("\(scratch).err")
        for end in ["in", "out", "err"] { unsafe unlink("\(scratch).\(end)") }
    }

    /// What the table expects of it.
    static func expected(of row: GuestRow) -> CommandRun {
        var expected = CommandRun(output: row.output, errors: "", status: 0)
        if case .exited(let status) = row.reason, status != 0 {
            expected.status = Int32(status)
            expected.errors = "swiftvmm: the guest ended with status \(status)\n"
        }
        return expected
    }

    private static func write(_ bytes: [UInt8], to path: String) {
        guard let file = unsafe fopen(path, "w") else { return }
        // SAFETY: an open file and bytes that live for the length of the call.
        unsafe fwrite(bytes, 1, bytes.count, file)
        unsafe fclose(file)
    }

    /// Up to 64 KiB, which no guest of the table prints.
    private static func read(_ path: String) -> String {
        guard let file = unsafe fopen(path, "r") else { return "" }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        // SAFETY: an open file and room for what is asked for.
        let count = unsafe fread(&bytes, 1, bytes.count, file)
        unsafe fclose(file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
