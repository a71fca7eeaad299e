import TestSupport
import Testing

/// Words that are wrong, in the order that people get there. None of them may end with 0, or with help alone.
@Suite("Wrong uses")
struct WrongUseTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    /// What is typed, and what the message has to say.
    struct Row: Sendable, CustomTestStringConvertible {
        let words: [String]
        let message: String

        init(_ words: String, _ message: String) {
            self.words = words.split(separator: " ", omittingEmptySubsequences: false).map {
                $0 == "''" ? "" : String($0.replacing("_", with: " "))
            }
            self.message = message
        }

        var testDescription: String { words.joined(separator: " ") }
    }

    static let commands = [
        Row("guest.bin", "'guest.bin' is a file and no command; to boot it: swiftvmm run guest.bin"),
        Row("guest.bin --memory 64M", "to boot it: swiftvmm run guest.bin"),
        Row("guest.bin -nographic", "to boot it: swiftvmm run guest.bin"),
        Row("nothing.bin", "there is no command 'nothing.bin', and no file of that name that could be run; see"),
        Row("rum guest.bin", "did you mean 'run'?"),
        Row("RUN guest.bin", "did you mean 'run'?"),
        Row("inspct guest.bin", "did you mean 'inspect'?"),
        Row("docter", "did you mean 'doctor'?"),
        Row("start guest.bin", "there is no command 'start', and no file of that name that could be run; see"),
        Row("--memory 64M guest.bin", "a command is missing before '--memory', as in: swiftvmm run guest.bin --memory"),
        Row("-memory 64M guest.bin", "a command is missing before '-memory'"),
        Row("--verbose run guest.bin", "there is no option '--verbose'; see"),
        Row("--help nothing", "'nothing' is one word too many: swiftvmm takes options only"),
        Row("--version nothing", "'nothing' is one word too many"),
        Row("nothing --help", "there is no command 'nothing'"),
        Row("nothing --version", "there is no command 'nothing'"),
        Row("help nothing", "there is no command 'nothing' to help with; see"),
        Row("help rum", "did you mean 'run'?"),
        Row("help run guest.bin", "there is no command 'guest.bin' to help with"),
        Row("--generate-completion-script ksh", "completion scripts are for bash, fish, zsh"),
        Row("--generate-completion-script bash more", "completion scripts are for bash, fish, zsh"),
        Row("--experimental-dump-help more", "'more' is one word too many behind '--experimental-dump-help'"),
        Row("doctor guest.bin", "'guest.bin' is one word too many: swiftvmm doctor takes options only"),
        Row("doctor --quick --help", "'--quick' is an option of swiftvmm compare, not of swiftvmm doctor"),
        Row("doctor -hv", "there is no option '-hv'; see"),
        Row("compare startups", "did you mean 'startup'?"),
        Row("compare startup more", "'more' is one word too many: swiftvmm compare startup takes options only"),
        Row("compare help more", "'help' is one word too many: swiftvmm compare takes options only"),
        Row("compare --quik", "there is no option '--quik'; did you mean '--quick'?"),
        Row("run guest.bin --memory=-64M", "the value '-64M' is invalid for '--memory'"),
        Row("run guest.bin --expect=-halted", "the value '-halted' is invalid for '--expect'"),
        Row("run guest.bin --cpus=-two", "the value '-two' is invalid for '--cpus'"),
        Row("run guest.bin --irqchip=-full", "the value '-full' is invalid for '--irqchip'"),
        Row("run guest.bin --timeout=-x", "the value '-x' is invalid for '--timeout'"),
        Row("inspect guest.bin --timeout 5", "'--timeout' is an option of swiftvmm run, not of swiftvmm inspect"),
        Row("inspect guest.bin --memory -1", "one that begins with a dash is given as '--memory=-1'"),
    ]

    static let options = [
        Row("run", "Missing expected argument '<image>'"),
        Row("run ''", "the image's name is empty"),
        Row("run -- ''", "the image's name is empty"),
        Row("run guest.bin second.bin", "'second.bin' is one word too many: swiftvmm run takes one image; see"),
        Row(
            "run guest.bin --cmdline one two",
            "'two' is one word too many: swiftvmm run takes one image; a value with spaces"),
        Row("run guest.bin -- --rng", "'--rng' is one word too many"),
        Row("run guest.bin --nothing", "there is no option '--nothing'; see"),
        Row("run guest.bin --nothing --help", "there is no option '--nothing'; see"),
        Row("run guest.bin second.bin --help", "'second.bin' is one word too many"),
        Row("run guest.bin --memory --help", "'--memory' needs a value before '--help', '--memory <size>'"),
        Row("run guest.bin --help=1", "'--help' takes no value, and '1' is given"),
        Row("run guest.bin -hx", "there is no option '-hx'; see"),
        Row("run guest.bin -xh", "there is no option '-xh'; see"),
        Row("run guest.bin -help", "'-help' is '--help', with two dashes"),
        Row("run guest.bin -version", "'-version' is '--version', with two dashes"),
        Row("run guest.bin -memory 64M", "'-memory' is '--memory', with two dashes"),
        Row("run guest.bin -cpus=2", "'-cpus=2' is '--cpus', with two dashes"),
        Row("run guest.bin ---rng", "'---rng' is '--rng', with two dashes"),
        Row("run guest.bin ---", "'---' is no option"),
        Row("run guest.bin --rng=1", "'--rng' takes no value, and '1' is given"),
        Row("run guest.bin --memory", "'--memory' needs a value, '--memory <size>'"),
        Row("run guest.bin --memory=", "'--memory=' has no value"),
        Row("run guest.bin --memory= 32M", "'--memory=' has no value"),
        Row("run guest.bin --timeout --report r.json", "'--timeout' needs a value before '--report'"),
        Row("run guest.bin --timeout -- 5", "'--timeout' needs a value before '--'"),
        Row("run guest.bin --timeout -1", "the value '-1' is invalid for '--timeout': it is not a number of seconds"),
        Row("run guest.bin --grace -0.5", "the value '-0.5' is invalid for '--grace': it is not a number of seconds"),
        Row("run guest.bin --cpus -1", "the value '-1' is invalid for '--cpus': it is not a number from 1 to 255"),
        Row("run guest.bin --memory -1", "the value '-1' is invalid for '--memory': it is not an amount of memory"),
        Row("run guest.bin --cmdline -v", "one that begins with a dash is given as '--cmdline=-v'"),
        Row("run guest.bin --cmdline -1", "one that begins with a dash is given as '--cmdline=-1'"),
        Row("run guest.bin --memroy 64M", "did you mean '--memory'?"),
        Row("run guest.bin --cpu 2", "did you mean '--cpus'?"),
        Row("run guest.bin --Timeout 2", "did you mean '--timeout'?"),
        Row("run guest.bin --time 2", "did you mean '--timeout'?"),
        Row("run guest.bin --serial3 pty", "did you mean '--serial2' or '--serial'?"),
        Row("run guest.bin --no-rng", "there is no option '--no-rng'; see"),
        Row("run guest.bin --out file", "there is no option '--out'; see"),
        Row("run guest.bin --list", "there is no option '--list'; see"),
        Row("run guest.bin --quick", "'--quick' is an option of swiftvmm compare, not of swiftvmm run"),
        Row("run guest.bin -v", "there is no option '-v'; see"),
        Row("run --generate-completion-script bash", "there is no option '--generate-completion-script'; see"),
    ]

    static let foreign = [
        Row("-nographic", "'-nographic' can be left out: the guest's serial port is standard input and output anyway"),
        Row("-kernel guest.bin -append a_b", "as in: swiftvmm run guest.bin; '-append a b' is --cmdline 'a b' here"),
        Row(
            "run -kernel guest.bin",
            "'-kernel guest.bin' is no option here: the kernel is the image, as in: swiftvmm run guest.bin"),
        Row("run guest.bin -append console=ttyS0", "'-append console=ttyS0' is --cmdline console=ttyS0 here"),
        Row("run guest.bin -initrd files", "'-initrd files' is --initrd files here"),
        Row("run guest.bin -m 64", "'-m 64' is --memory 64M here"),
        Row("run guest.bin -m 2G", "'-m 2G' is --memory 2G here"),
        Row("run guest.bin -m size=1G,slots=2", "is --memory 1G here"),
        Row("run guest.bin -m", "'-m' is --memory SIZE here"),
        Row("run guest.bin -smp 4", "'-smp 4' is --cpus 4 here"),
        Row("run guest.bin -smp 2,sockets=2", "is --cpus 2 here"),
        Row("run guest.bin -smp cpus=3", "is --cpus 3 here"),
        Row("run guest.bin -nographic", "'-nographic' can be left out"),
        Row("run guest.bin --nographic", "'--nographic' can be left out"),
        Row("run guest.bin -serial stdio", "'-serial stdio' is --serial stdio here"),
        Row("run guest.bin -serial mon:stdio", "is --serial stdio here"),
        Row("run guest.bin -serial file:log", "is --serial file:log here"),
        Row("run guest.bin -serial none", "is --serial null here"),
        Row("run guest.bin -serial tcp::4444", "is --serial END here"),
        Row("run guest.bin -hda disk.img", "'-hda disk.img' is --disk disk.img here, a virtio disk"),
        Row("run guest.bin -drive file=disk.img,format=raw,if=virtio", "is --disk disk.img here, a virtio disk"),
        Row("run guest.bin -drive file=disk.img,readonly=on", "is --disk disk.img,ro here, a virtio disk"),
        Row("run guest.bin -cdrom os.iso", "has no equivalent; a raw image can be a virtio disk: --disk os.iso"),
        Row("run guest.bin -s -S", "'-s' has no equivalent: no debugger can be attached"),
        Row("run guest.bin -gdb tcp::1234", "no debugger can be attached"),
        Row("run guest.bin -d int", "'-d int' is --trace FILE here, a line for each exit of the guest"),
        Row("run guest.bin -d int,cpu_reset -D log", "'-D log' is --trace log here"),
        Row("run guest.bin -no-reboot", "'-no-reboot' can be left out: a reset ends the run anyway"),
        Row("run guest.bin -no-shutdown", "a guest that powers off ends the run"),
        Row("run guest.bin -cpu host", "'-cpu host' can be left out: the guest has the host's processor"),
        Row("run guest.bin -machine q35", "'-machine q35' can be left out: there is one kind of machine"),
        Row("run guest.bin -M pc", "there is one kind of machine"),
        Row("run guest.bin -accel kvm", "'-accel kvm' can be left out: it is always KVM"),
        Row("run guest.bin -enable-kvm", "it is always KVM"),
        Row(
            "run guest.bin -device isa-debug-exit,iobase=0xf4,iosize=0x04",
            "can be left out: the port for it, 0xF4, is always there"),
        Row("run guest.bin -device isa-debug-exit", "it is 0xF4, to which the guest has to write"),
        Row("run guest.bin -device virtio-rng-pci", "'-device virtio-rng-pci' is --rng here"),
        Row("run guest.bin -device virtserialport,name=log", "is --virtio-port log=END here"),
        Row("run guest.bin -device virtconsole", "is --virtio-console END here"),
        Row("run guest.bin -device e1000", "has no equivalent: devices are serial ports, a virtio-console"),
        Row("run guest.bin -debugcon stdio", "can be left out: port 0xE9 always prints on standard output"),
        Row("run guest.bin -display none", "'-display none' can be left out: there is no display"),
        Row("run guest.bin -bios seabios.bin", "there is no firmware, and the image is booted directly"),
        Row("run guest.bin -monitor none", "there is no monitor"),
        Row("run guest.bin -netdev user,id=n0", "there is no network"),
        Row(
            "run -k guest.bin -i files -p a_b",
            "as in: swiftvmm run guest.bin; '-i files' is --initrd files here; '-p a b' is --cmdline 'a b' here"),
        Row("run guest.bin -c 2 -d disk.img", "'-c 2' is --cpus 2 here; '-d disk.img' is --disk disk.img here"),
        Row("run guest.bin --mem 256", "did you mean '--memory'?"),
        Row("run guest.bin --params text", "'--params text' is --cmdline text here"),
        Row("inspect -kernel guest.bin", "the kernel is the image, as in: swiftvmm run guest.bin"),
    ]

    @Test("one is told in a line, with status 64, and nothing runs", arguments: commands + options + foreign)
    func isTold(row: Row) async throws {
        try scratch.write(TinyGuest.print("ran") + TinyGuest.halt, to: "guest.bin")
        let outcome = try await scratch.swiftvmm(row.words)
        #expect(outcome.status == 64, "\(outcome)")
        #expect(outcome.output == [])
        #expect(outcome.errors.hasPrefix("swiftvmm: "))
        #expect(outcome.errors.split(separator: "\n", omittingEmptySubsequences: false).count == 2, "\(outcome)")
        #expect(outcome.errors.contains(row.message), "\(outcome)")
        #expect(outcome.lastError.contains("; see swiftvmm --help and swiftvmm "), "\(outcome)")
    }

    @Test("what has no effect on the machine is told, and the guest runs", .requiresAnyKVM)
    func hasNoEffect() async throws {
        try scratch.write(TinyGuest.print("ran") + TinyGuest.halt, to: "guest.bin")
        let outcome = try await scratch.swiftvmm(
            "run", "guest.bin", "--cmdline", "text", "--no-eventfd", "--grace", "1")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.text == "ran")
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.count == 3, "\(outcome)")
        for option in ["--cmdline", "--no-eventfd", "--grace"] {
            #expect(lines.contains { $0.hasPrefix("swiftvmm: \(option) has no effect") }, "\(outcome)")
        }
    }

    @Test("a doorbell's option has its effect where there is a virtio device", .requiresKVM)
    func hasEffect() async throws {
        try scratch.write(TinyGuest.halt, to: "guest.bin")
        expectSuccess(try await scratch.swiftvmm("run", "guest.bin", "--no-eventfd", "--rng"), "")
    }
}
