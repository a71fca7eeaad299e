import TestSupport
import Testing

@Suite("swiftvmm inspect, of images that are refused")
struct InspectRefusalTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    /// What could be read is on standard output, and the reason there and on standard error.
    private func expectAnswer(
        _ outcome: Outcome, status: Int32 = 66, _ output: String, at place: SourceLocation = #_sourceLocation
    ) throws {
        #expect(outcome.status == status, "\(outcome)", sourceLocation: place)
        #expect(outcome.text == output, sourceLocation: place)
        let reason = try #require(output.firstMatch(of: #/run            refuses it: (.*)\n$/#)?.1)
        let prefix = status == 66 ? "cannot boot guest: " : ""
        #expect(outcome.errors == "swiftvmm: \(prefix)\(reason)\n", sourceLocation: place)
    }

    private static let start = """
        image          guest, 4104 bytes
        format         ELF, because it begins with the magic number 7f 45 4c 46
        class          64-bit, little-endian

        """

    private static let segment =
        "segment 0      8 bytes at offset 0x1000; 8 bytes at physical 0x100000, virtual 0x100000; r-x\n"

    @Test("for another machine, and not an executable: the rest is read all the same")
    func header() async throws {
        var elf = TinyELF()
        (elf.machine, elf.type, elf.entry) = (183, 3, 0x100008)
        try scratch.write(elf.bytes, to: "guest")
        try expectAnswer(
            try await scratch.swiftvmm("inspect", "guest"),
            Self.start + """
                machine        AArch64 (183)
                type           position-independent or shared (3)
                entry          0x100008, in no segment
                headers        1 of 56 bytes at offset 0x40
                \(Self.segment)\
                memory         1028K needed, 64M given
                run            refuses it: it is for ELF machine 183 in a 64-bit file; build it for x86-64 (62)

                """)
    }

    @Test("numbers without a name are shown as they are, and headers that are not there")
    func unnamed() async throws {
        var elf = TinyELF()
        (elf.machine, elf.type, elf.headerSize) = (62, 0xFE00, 1)
        try scratch.write(elf.bytes, to: "guest")
        try expectAnswer(
            try await scratch.swiftvmm("inspect", "guest"),
            Self.start + """
                machine        x86-64 (62)
                type           65024
                entry          0x100000, in no segment
                headers        1 of 1 bytes at offset 0x40
                run            refuses it: its ELF type 65024 is neither an executable with fixed addresses (2) nor one \
                that can be loaded anywhere (3); link it without -r

                """)
    }

    @Test("a segment outside RAM: how much RAM would do")
    func outsideRAM() async throws {
        try scratch.write(TinyELF().bytes, to: "guest")
        let common = """
            machine        x86-64 (62)
            type           executable with fixed addresses (2)
            entry          0x100000, physical 0x100000
            headers        1 of 56 bytes at offset 0x40
            \(Self.segment)
            """
        try expectAnswer(
            try await scratch.swiftvmm("inspect", "guest", "--memory", "1M"),
            Self.start + common + """
                memory         1028K needed, 1M given
                run            refuses it: ELF segment 0, 8 bytes at 0x100000, lies outside RAM; \
                give more with --memory or link it lower

                """)
        let enough = try await scratch.swiftvmm("inspect", "guest", "--memory", "1028K")
        #expect(enough.status == 0, "\(enough)")
        try expectAnswer(
            try await scratch.swiftvmm("inspect", "guest", "--mode", "long"), status: 64,
            Self.start + common + """
                memory         1028K needed, 64M given
                run            refuses it: an ELF image says its own mode; leave --mode out, or take it as it is \
                with --format flat

                """)
    }

    @Test("a segment that wraps: no amount of RAM would do")
    func wraps() async throws {
        var elf = TinyELF()
        elf.segments[0].physicalAddress = .max - 6
        elf.entry = elf.segments[0].virtualAddress + 7
        try scratch.write(elf.bytes, to: "guest")
        try expectAnswer(
            try await scratch.swiftvmm("inspect", "guest"),
            Self.start + """
                machine        x86-64 (62)
                type           executable with fixed addresses (2)
                entry          0x100007, in no segment
                headers        1 of 56 bytes at offset 0x40
                segment 0      8 bytes at offset 0x1000; 8 bytes at physical 0xfffffffffffffff9, virtual 0x100000; r-x
                memory         no amount is enough, 64M given
                run            refuses it: ELF segment 0 runs over the end of the address space; link it lower

                """)
    }

    @Test("a file that is cut off in its first header, and a flat one that is too large")
    func little() async throws {
        try scratch.write(Array(TinyELF().bytes.prefix(10)), to: "guest")
        try expectAnswer(
            try await scratch.swiftvmm("inspect", "guest"),
            """
            image          guest, 10 bytes
            format         ELF, because it begins with the magic number 7f 45 4c 46
            run            refuses it: the file ends inside its ELF header; copy or build it again

            """)
        try scratch.write([UInt8](repeating: 0x90, count: 1 << 20), to: "guest")
        try expectAnswer(
            try await scratch.swiftvmm("inspect", "guest", "--memory", "1M"),
            """
            image          guest, 1048576 bytes
            format         flat, because no other format is recognized in it
            memory         1056K needed, 1M given
            run            refuses it: it has 1048576 bytes, and the RAM where it is loaded only 1016832; \
            give more with --memory

            """)
    }

    @Test("what cannot be read at all, and a machine that cannot be, have no answer")
    func nothing() async throws {
        try scratch.write([], to: "empty.bin")
        expectRefusal(
            try await scratch.swiftvmm("inspect", "no/such.bin"), 66,
            "cannot boot no/such.bin: No such file or directory; check its name")
        expectRefusal(
            try await scratch.swiftvmm("inspect", "empty.bin"), 66,
            "cannot boot empty.bin: the file is empty; give the file of a guest")
        expectRefusal(
            try await scratch.swiftvmm("inspect", "empty.bin", "--memory", "1K"), 64,
            "1024 bytes of memory are too few; a machine needs at least 1M")
        expectRefusal(
            try await scratch.swiftvmm("inspect", "empty.bin", "--memory", "4096T"), 64,
            "4503599627370496 bytes of memory do not fit the guest's 52-bit physical addresses; use less")
    }

    @Test("run gives the same last line and status, for each way in which an ELF file can be wrong", .requiresAnyKVM)
    func agreesOnRows() async throws {
        for row in ELFErrorTests.rows {
            try scratch.write(row.image, to: "guest")
            let inspected = try await scratch.swiftvmm("inspect", "guest")
            let run = try await scratch.swiftvmm("run", "guest", "--timeout", "10")
            #expect(inspected.status == 66 && run.status == 66, "\(row.testDescription): \(inspected)")
            #expect(inspected.lastError == run.errors.dropLast(), "\(row.testDescription)")
        }
    }

    @Test("run and inspect agree on spoiled files", .requiresAnyKVM, arguments: 1...2 as ClosedRange<UInt64>)
    func agreesOnSpoiledFiles(seed: UInt64) async throws {
        var accepted = 0
        let count = TestScale.count(100)
        for (step, image) in SpoiledELF(seed: seed).prefix(count).enumerated() {
            try scratch.write(image, to: "guest")
            let inspected = try await scratch.swiftvmm("inspect", "guest", "--format", "elf")
            // Accepted files may do anything, but for ending as refused.
            let run = try await scratch.swiftvmm("run", "guest", "--format", "elf", "--timeout", "0.2")
            let isRefused = run.lastError.hasPrefix("swiftvmm: cannot boot ")
            #expect(inspected.status == (isRefused ? 66 : 0), "seed \(seed), step \(step): \(inspected), \(run)")
            if isRefused {
                #expect(run.status == 66, "seed \(seed), step \(step): \(run)")
                #expect(inspected.lastError == run.lastError, "seed \(seed), step \(step)")
            } else {
                #expect([0, 124, 125].contains(run.status), "seed \(seed), step \(step): \(run)")
                accepted += 1
            }
        }
        // Otherwise the test would look at little.
        #expect(count < 100 || (10...90).contains(accepted), "\(accepted) accepted")
    }
}
