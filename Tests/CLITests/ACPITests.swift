import Glibc
import TestSupport
import Testing

/// ACPICA's compiler and disassembler: another reader, and another writer, of all tables.
@Suite("ACPI tables as ACPICA sees them")
struct ACPITests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    private static let machine = ["--cpus", "3", "--serial2", "null", "--virtio-console", "null", "--rng"]

    private func dump(_ options: String...) async throws -> Outcome {
        try await scratch.swiftvmm(
            ["inspect", Guests.path("long-hello.elf"), "--dump-acpi", "tables"] + options + Self.machine)
    }

    /// Whether iasl is there; `SWIFTVMM_REQUIRE_IASL=1` says that it must be.
    private func hasCompiler() async throws -> Bool {
        let outcome = try await scratch.shell("command -v iasl >&2")
        // SAFETY: a C string for the length of the call.
        if outcome.status != 0, unsafe getenv("SWIFTVMM_REQUIRE_IASL") != nil {
            Issue.record("there is no iasl; install acpica-tools")
        }
        return outcome.status == 0
    }

    @Test("each table is a file of its own")
    func files() async throws {
        let outcome = try await dump()
        #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
        let listing = try await scratch.shell("ls tables")
        #expect(listing.text == "apic.aml\ndsdt.aml\nfacp.aml\nfacs.aml\nrsdt.aml\nxsdt.aml\n")
        // Again, over the first ones.
        #expect(try await dump().status == 0)
    }

    @Test("iasl disassembles each table without a complaint, and gives its bytes back")
    func roundTrip() async throws {
        guard try await hasCompiler() else { return }
        #expect(try await dump("--disk", "a", "--disk", "b").status == 0)
        let outcome = try await scratch.shell(
            """
            cd tables && mkdir again && for table in *.aml; do
                iasl -d $table >$table.log 2>&1 || echo "$table: status $?"
                grep -iE 'error|warning|remark|invalid|unknown|not.* valid' $table.log
                iasl -oa -p again/$table ${table%.aml}.dsl >$table.log 2>&1 || { echo "$table again"; cat $table.log; }
                grep -E '[1-9][0-9]* (Errors|Warnings|Remarks)' $table.log
                # Behind the header, where the compiler's name is, and before the sum that goes with it.
                cmp -i 36 $table again/$table || echo "$table is another"
            done
            """)
        #expect(outcome.text == "", "\(outcome)")
    }

    @Test("the table of devices is what iasl makes of its source")
    func source() async throws {
        guard try await hasCompiler() else { return }
        #expect(try await dump().status == 0)
        func device(_ name: String, _ number: Int, _ gsi: Int) -> String {
            """
            Device (\(name)) {
                Name (_HID, "LNRO0005") Name (_UID, \(number))
                Name (_CRS, ResourceTemplate () {
                    Memory32Fixed (ReadWrite, 0x\(String(0xD000_0000 + number * 0x1000, radix: 16)), 0x1000)
                    Interrupt (ResourceConsumer, Level, ActiveHigh, Exclusive) { \(gsi) } })
            }
            """
        }
        func serial(_ name: String, _ number: Int, _ port: String, _ line: Int) -> String {
            """
            Device (\(name)) {
                Name (_HID, EisaId ("PNP0501")) Name (_UID, \(number))
                Name (_CRS, ResourceTemplate () { IO (Decode16, \(port), \(port), 1, 8) IRQNoFlags () { \(line) } })
            }
            """
        }
        let text = """
            DefinitionBlock ("", "DSDT", 2, "SWIFTV", "SWIFTVMM", 1) {
                Name (_S5, Package () { 0, 0, 0, 0 })
                Scope (_SB) {
                    Device (RTC) {
                        Name (_HID, EisaId ("PNP0B00"))
                        Name (_CRS, ResourceTemplate () { IO (Decode16, 0x70, 0x70, 1, 2) })
                    }
                    Device (PEVT) {
                        Name (_HID, "QEMU0001")
                        Name (_CRS, ResourceTemplate () { IO (Decode16, 0x505, 0x505, 1, 1) })
                    }
                    \(serial("COM1", 1, "0x3F8", 4)) \(serial("COM2", 2, "0x2F8", 3))
                    \(device("VR00", 0, 5)) \(device("VR01", 1, 6))
                }
            }
            """
        try scratch.write(Array(text.utf8), to: "own.asl")
        let outcome = try await scratch.shell("iasl -p own own.asl && cmp -i 36 own.aml tables/dsdt.aml")
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
    }

    @Test("a guest whose image lies where they would be is said to find none, by inspect and by run")
    func covered() async throws {
        var elf = TinyELF()
        elf.segments[0].physicalAddress = 0xE0000
        elf.segments[0].memorySize = 0x18000
        try scratch.write(elf.bytes, to: "guest.elf")
        let words = ["ACPI tables", "MP table"].map { ($0, $0.hasPrefix("A") ? "0xe1000" : "0xf0000") }.map {
            "swiftvmm: the guest finds no \($0): its image (ELF segment 0) lies where they would be, at \($1); link it elsewhere\n"
        }
        let plan = try await scratch.swiftvmm("inspect", "guest.elf", "--plan", "--irqchip", "full")
        #expect(plan.status == 0 && plan.errors == words.joined(), "\(plan)")
        #expect(try await scratch.swiftvmm("inspect", "guest.elf", "--plan").errors == "")
        let dump = try await scratch.swiftvmm("inspect", "guest.elf", "--dump-acpi", "tables", "--irqchip", "full")
        #expect(dump.status == 64 && dump.errors.hasPrefix(words.joined()), "\(dump)")
    }

    @Test("run says so before the guest begins", .requiresKVM)
    func coveredInRun() async throws {
        var elf = TinyELF()
        elf.segments[0].physicalAddress = 0xE0000
        elf.segments[0].memorySize = 0x2000
        try scratch.write(elf.bytes, to: "guest.elf")
        let run = try await scratch.swiftvmm("run", "guest.elf", "--cpus", "2", "--timeout", "60")
        #expect(run.errors.hasPrefix("swiftvmm: the guest finds no ACPI tables: its image (ELF segment 0)"), "\(run)")
        #expect(!run.errors.contains("MP table"), "\(run)")
    }

    @Test("where there are none it says why, and options of the machine without it are refused")
    func refusals() async throws {
        let guest = Guests.path("long-hello.elf")
        let none = try await scratch.swiftvmm("inspect", guest, "--dump-acpi", "tables")
        #expect(none.status == 64)
        #expect(
            none.lastError.hasPrefix("swiftvmm: --dump-acpi has nothing to write for this guest: it has no ACPI tables")
        )
        let real = try await scratch.swiftvmm(
            "inspect", Guests.path("real-hello.bin"), "--dump-acpi", "tables", "--irqchip", "full")
        #expect(real.status == 64)
        #expect(try scratch.names == [])
        let alone = try await scratch.swiftvmm("inspect", guest, "--cpus", "2")
        #expect(alone.status == 64)
        #expect(alone.lastError.contains("--dump-acpi"))
        let nowhere = try await dump("--dump-acpi", "missing/tables")
        #expect(nowhere.status == 64 || nowhere.status == 74)
        try scratch.write([], to: "file")
        let file = try await scratch.swiftvmm(
            "inspect", guest, "--dump-acpi", "file", "--irqchip", "full")
        #expect(file.status == 74, "\(file)")
    }
}
