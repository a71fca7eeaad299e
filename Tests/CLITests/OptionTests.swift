import TestSupport
import Testing

@Suite("Options that cannot be met")
struct OptionTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    /// Arguments, and what the message must name: the thing, the reason and the remedy.
    struct Row: Sendable, CustomTestStringConvertible {
        let arguments: [String]
        let words: [String]

        init(_ arguments: [String], _ words: String...) {
            (self.arguments, self.words) = (arguments, words)
        }

        var testDescription: String { arguments.isEmpty ? "nothing" : arguments.joined(separator: " ") }
    }

    static let badWords = [
        Row([], "a command is missing", "swiftvmm run", "--help"),
        Row(["frobnicate"], "'frobnicate'", "--help"),
        Row(["--frobnicate"], "'--frobnicate'", "--help"),
        Row(["run"], "<image>", "--help"),
        Row(["run", "--timeout", "1"], "<image>", "--help"),
        Row(["run", "guest.bin", "second.bin"], "'second.bin'", "--help"),
        Row(["run", "guest.bin", "--frobnicate"], "'--frobnicate'", "--help"),
        Row(["run", "guest.bin", "--memory"], "--memory", "--help"),
        Row(["run", "guest.bin", "--memory", "garbage"], "'garbage'", "--memory", "not an amount", "64M"),
        Row(["run", "guest.bin", "--memory", ""], "''", "--memory", "not an amount", "64M"),
        Row(["run", "guest.bin", "--memory", "M"], "'M'", "--memory", "not an amount", "64M"),
        Row(["run", "guest.bin", "--memory", "1.5G"], "'1.5G'", "--memory", "not an amount", "64M"),
        Row(["run", "guest.bin", "--memory", "+64M"], "'+64M'", "--memory", "not an amount", "64M"),
        Row(["run", "guest.bin", "--memory=-1"], "'-1'", "--memory", "not an amount", "64M"),
        Row(["run", "guest.bin", "--memory", "-1"], "--memory", "--help"),
        Row(["run", "guest.bin", "--memory", "99999999999G"], "'99999999999G'", "--memory", "more than", "use less"),
        Row(["run", "guest.bin", "--memory", "18446744073709551616"], "--memory", "more than", "use less"),
        Row(["run", "guest.bin", "--mode", "unreal"], "'unreal'", "--mode", "none of real, protected and long"),
        Row(
            ["run", "guest.bin", "--format", "coff"], "'coff'", "--format",
            "flat, boot-sector, elf, linux, multiboot, multiboot2 and pvh"),
        Row(["run", "guest.bin", "--cpus", "0"], "'0'", "--cpus", "number from 1 to 255"),
        Row(["run", "guest.bin", "--cpus", "256"], "'256'", "--cpus", "number from 1 to 255"),
        Row(["run", "guest.bin", "--cpus", "two"], "'two'", "--cpus", "number from 1 to 255"),
        Row(["run", "guest.bin", "--cpus", "99999999999999999999"], "--cpus", "number from 1 to 255"),
        Row(["run", "guest.bin", "--timeout", "0"], "'0'", "--timeout", "seconds above 0"),
        Row(["run", "guest.bin", "--timeout", "nan"], "'nan'", "--timeout", "seconds above 0"),
        Row(["run", "guest.bin", "--timeout", "abc"], "'abc'", "--timeout", "seconds above 0"),
        Row(["run", "guest.bin", "--timeout", "1s"], "'1s'", "--timeout", "seconds above 0"),
        Row(["run", "guest.bin", "--timeout", "inf"], "'inf'", "--timeout", "below 1000000000"),
        Row(["run", "guest.bin", "--timeout", "1e9"], "'1e9'", "--timeout", "below 1000000000"),
        Row(["run", "guest.bin", "--timeout=-1"], "'-1'", "--timeout", "seconds above 0"),
        Row(["inspect"], "<image>", "--help"),
        Row(["inspect", "guest.bin", "--timeout", "1"], "'--timeout'", "--help"),
        Row(["inspect", "guest.bin", "--memory", "garbage"], "'garbage'", "--memory", "not an amount", "64M"),
        Row(["run", "guest.bin", "--console", "tty"], "'tty'", "--console", "none of uart, uart2 and virtio"),
        Row(
            ["run", "guest.bin", "--virtio-console", "tty"], "'tty'", "--virtio-console",
            "stdio, null, file:PATH, pty or unix:PATH"),
        Row(["run", "guest.bin", "--virtio-port", "log"], "'log'", "--virtio-port", "NAME=END"),
        Row(["run", "guest.bin", "--virtio-port", "log=stdio"], "'log=stdio'", "null, file:PATH, pty or unix:PATH"),
        Row(["run", "guest.bin", "--virtio-port", "log=tty"], "'log=tty'", "it is no end"),
        Row(["run", "guest.bin", "--serial", "tty"], "'tty'", "--serial", "stdio, null, file:PATH, pty or unix:PATH"),
        Row(["run", "guest.bin", "--serial", ""], "''", "--serial", "stdio, null, file:PATH, pty or unix:PATH"),
        Row(["run", "guest.bin", "--serial", "file:"], "'file:'", "stdio, null, file:PATH, pty or unix:PATH"),
        Row(["run", "guest.bin", "--serial", "unix"], "'unix'", "stdio, null, file:PATH, pty or unix:PATH"),
        Row(["run", "guest.bin", "--serial", "pty:1"], "'pty:1'", "stdio, null, file:PATH, pty or unix:PATH"),
        Row(
            ["run", "guest.bin", "--serial", "unix:" + String(repeating: "s", count: 108)], "--serial", "107 bytes",
            "shorter"),
        Row(["run", "guest.bin", "--report", ""], "--report", "the name of a file"),
        Row(
            ["run", "guest.bin", "--console", "uart2", "--serial2", "null"], "--console", "second serial port",
            "leave one of them out"),
        Row(
            ["run", "guest.bin", "--console", "virtio", "--virtio-console", "pty"], "--console", "virtio-console",
            "leave one of them out"),
    ]

    @Test("bad words are refused with status 64 before anything is opened", arguments: badWords)
    func refusesWords(row: Row) async throws {
        try await expectUsageError(row)
    }

    static let badValues = [
        Row(["run", "guest.bin", "--memory", "0"], "0 bytes", "too few", "at least 1M"),
        Row(["run", "guest.bin", "--memory", "1"], "1 bytes", "too few", "at least 1M"),
        Row(["run", "guest.bin", "--memory", "1K"], "1024 bytes", "too few", "at least 1M"),
        Row(["run", "guest.bin", "--memory", "1048575"], "1048575 bytes", "too few", "at least 1M"),
        Row(["run", "guest.bin", "--memory", "5000"], "5000 bytes", "too few", "at least 1M"),
        Row(["run", "guest.bin", "--memory", "5000000"], "5000000 bytes", "not whole pages", "use a suffix"),
        // No x86 processor has more than 52 address bits.
        Row(
            ["run", "guest.bin", "--memory", "4096T"], "do not fit the guest's", "-bit physical addresses", "use less"),
        Row(
            ["run", "guest.bin", "--memory", "16777215T"], "do not fit the guest's", "-bit physical addresses",
            "use less"),
        Row(
            ["run", "guest.bin", "--cmdline", String(repeating: "c", count: 2048)],
            "has 2048 bytes", "2047 at most"),
        Row(
            ["run", "guest.bin", "--cpus", "2", "--irqchip", "none"], "2 vCPUs need interrupt controllers",
            "ask for full ones or for one vCPU"),
        Row(["run", "guest.elf", "--mode", "long"], "ELF image", "leave --mode out", "--format flat"),
    ]

    @Test("values that no machine can be made with are refused with status 64", .requiresKVM, arguments: badValues)
    func refusesValues(row: Row) async throws {
        try scratch.write(TinyGuest.halt, to: "guest.bin")
        try scratch.write(TinyELF().bytes, to: "guest.elf")
        try await expectUsageError(row)
    }

    private func expectUsageError(_ row: Row) async throws {
        let outcome = try await scratch.swiftvmm(row.arguments)
        #expect(outcome.status == 64, "\(outcome)")
        #expect(outcome.output == [])
        #expect(outcome.errors.hasPrefix("swiftvmm: "))
        #expect(outcome.errors.split(separator: "\n", omittingEmptySubsequences: false).count == 2, "\(outcome)")
        for word in row.words { #expect(outcome.errors.contains(word), "\(outcome)") }
    }

    @Test("the longest command line arrives whole", .requiresKVM)
    func longestCommandLine() async throws {
        let text = String(repeating: "c", count: 2047)
        let outcome = try await scratch.swiftvmm("run", Guests.path("long-args.elf"), "--cmdline", text)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.text.hasPrefix("command line: \(text)\ne820: "))
    }

    @Test("several vCPUs are one option", .requiresKVM)
    func cpus() async throws {
        expectSuccess(
            try await scratch.swiftvmm("run", Guests.path("long-cpus.elf"), "--cpus", "2", "--cmdline", "2"),
            "vCPU 0\nvCPU 1\n2 vCPUs are asleep\n")
    }

    @Test(
        "sizes in either case, and in bytes, are understood", .requiresKVM,
        arguments: ["1048576", "1024K", "1024k", "1m"])
    func sizes(text: String) async throws {
        let guest = try scratch.write(TinyGuest.halt, to: "guest.bin")
        expectSuccess(try await scratch.swiftvmm("run", guest, "--memory", text), "")
    }

    @Test("an image whose name looks like an option is found behind two dashes", .requiresKVM)
    func dashes() async throws {
        try scratch.write(TinyGuest.print("dash") + TinyGuest.halt, to: "--guest")
        expectSuccess(try await scratch.swiftvmm("run", "--", "--guest"), "dash")
    }
}
