import DeviceModel
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import VMM

@Suite("The trace of exits", .requiresKVM)
struct ExitTraceTests {
    /// A line, taken apart.
    private struct Line: Equatable {
        let vcpu: String
        let kind: String
        let place: String
        let width: String
        let value: String
        let answerer: String

        init?(_ text: Substring) {
            let words = text.split(separator: " ").map(String.init)
            guard words.count == 7 else { return nil }
            (vcpu, kind, place) = (words[1], words[2], words[3])
            (width, value, answerer) = (words[4], words[5], words[6])
        }
    }

    /// What a machine with this configuration writes as its trace, and its run.
    private func trace(
        _ image: ImageSource, limit: Int = ExitTrace.standardLimit,
        _ configure: (inout MachineConfiguration) -> Void = { _ in }
    ) throws -> (text: String, run: GuestRun) {
        let file = TemporaryFile([])
        // SAFETY: a C string for the length of the call.
        let descriptor = unsafe open(file.path, O_WRONLY | O_CLOEXEC)
        defer { close(descriptor) }
        let trace = ExitTrace(descriptor: descriptor, limit: limit)
        let run = try GuestRun(image) {
            $0.trace = trace
            configure(&$0)
        }
        #expect(trace.failure == nil && trace.unwrittenByteCount == 0)
        return (String(decoding: try FileBytes.read(file.path), as: UTF8.self), run)
    }

    /// Without kicks, which may come from elsewhere.
    private func lines(_ text: String) throws -> [Line] {
        try text.split(separator: "\n").dropFirst().map { try #require(Line($0), "\($0)") }
            .filter { $0.kind != "interrupted" }
    }

    private func line(_ text: String) throws -> Line { try #require(Line("0.000 " + text[...])) }

    @Test("has a line for each, in order, with what was read and written and who answered")
    func lines() throws {
        let (text, run) = try trace(
            .bytes([
                0xB0, 0x41, 0xE6, 0xE9,  // movb $0x41, %al; outb %al, $0xE9
                0xE4, 0xE9,  // inb $0xE9, %al
                0xBA, 0x34, 0x12, 0xED,  // movw $0x1234, %dx; inw %dx, %ax
                0x66, 0xB8, 0x78, 0x56, 0x34, 0x12,  // movl $0x12345678, %eax
                0xBA, 0xF9, 0x0C, 0x66, 0xEF,  // movw $0xCF9, %dx; outl %eax, %dx
                0xBA, 0xF8, 0x0C, 0x66, 0xED,  // movw $0xCF8, %dx; inl %dx, %eax
                0xBA, 0xFF, 0x03, 0xED,  // movw $0x3FF, %dx; inw %dx, %ax: across the serial port's end
                0xB8, 0xFF, 0xFF, 0x8E, 0xC0,  // movw $0xFFFF, %ax; movw %ax, %es
                0x26, 0xA0, 0x10, 0x00,  // movb %es:0x10, %al: at 0x100000
                0x26, 0xA2, 0x21, 0x00,  // movb %al, %es:0x21
                0x31, 0xC0, 0x8E, 0xC0,  // xorw %ax, %ax; movw %ax, %es
                0xBF, 0x00, 0x20, 0xB9, 0x0A, 0x00,  // movw $0x2000, %di; movw $10, %cx
                0xBA, 0xE9, 0x00, 0xF3, 0x6C,  // movw $0xE9, %dx; rep insb
                0xB0, 0x05, 0xBA, 0x00, 0x05, 0xEE,  // movb $5, %al; movw $0x500, %dx; outb %al, %dx
            ])
        ) { $0.memorySize = 1 << 20 }
        #expect(run.reason == .exited(status: 5))
        let many = Array(repeating: "0xe9", count: 8).joined(separator: ",")
        #expect(
            try lines(text) == [
                try line("0 portWrite 0xe9 1 0x41 debug"),
                try line("0 portRead 0xe9 1 0xe9 debug"),
                try line("0 portRead 0x1234 2 0xffff unmapped"),
                try line("0 portWrite 0xcf9 4 0x12345678 pci"),
                try line("0 portRead 0xcf8 4 0x0 pci"),
                try line("0 portRead 0x3ff 2 0xffff unmapped"),
                try line("0 mmioRead 0x100000 1 0xff unmapped"),
                try line("0 mmioWrite 0x100011 1 0xff unmapped"),
                try line("0 portRead 0xe9 1x10 \(many),… debug"),
                try line("0 portWrite 0x500 1 0x5 plainExit"),
            ])
        let times = text.split(separator: "\n").dropFirst().compactMap {
            $0.split(separator: " ").first.flatMap { Double($0) }
        }
        #expect(times.count == text.split(separator: "\n").count - 1)
        #expect(times == times.sorted())
    }

    @Test("has virtio devices and registers that are refused by their names, too")
    func otherAnswers() throws {
        let (text, _) = try trace(.file(Guests.path("long-virtio-rng.elf"))) {
            $0.devices.append(.entropy(EntropyConfiguration()))
        }
        #expect(try lines(text).contains(try line("0 mmioRead 0xd0000000 4 0x74726976 rng0")))
        let (msrs, run) = try trace(.file(Guests.path("long-msr.elf")))
        guard !run.report.refusedMSRs.isEmpty else { return }
        #expect(
            try lines(msrs).filter { $0.answerer == "refused" } == [
                try line("0 msrRead 0xbadc0de 8 - refused"), try line("0 msrWrite 0xbadc0de 8 0x1 refused"),
                try line("0 msrWrite 0xc0000080 8 0x8000000000000000 refused"),
            ])
    }

    @Test("has every byte of serial output, also what waits in the ring and is no exit")
    func coalesced() throws {
        // movb $'x', %al; movw $0x3F8, %dx; movw $500, %cx; outb %al, %dx; loop to it; hlt
        let (text, run) = try trace(.bytes([0xB0, 0x78, 0xBA, 0xF8, 0x03, 0xB9, 0xF4, 0x01, 0xEE, 0xE2, 0xFD, 0xF4]))
        let lines = try lines(text)
        let ring = lines.filter { $0 == (try? line("- coalesced 0x3f8 1 0x78 uart")) }
        let exits = lines.filter { $0 == (try? line("0 portWrite 0x3f8 1 0x78 uart")) }
        #expect(ring.count == Int(run.report.coalescedWrites))
        #expect(ring.count + exits.count == 500)
        #expect(lines.last == (try line("0 halt - - - -")))
    }

    @Test("has as many lines of each kind as the report counts, from every vCPU, each whole")
    func severalCPUs() throws {
        let (text, run) = try trace(.file(Guests.path("long-cpus.elf"))) {
            $0.vcpuCount = 3
            $0.commandLine = "3"
        }
        #expect(run.text == "vCPU 0\nvCPU 1\nvCPU 2\n3 vCPUs are asleep\n")
        let all = try text.split(separator: "\n").dropFirst().map { try #require(Line($0), "\($0)") }
        let kinds = Dictionary(grouping: all.filter { $0.vcpu != "-" }, by: \.kind).mapValues { UInt64($0.count) }
        #expect(kinds == run.report.exitsByKind)
        #expect(Set(all.map(\.vcpu)).isSuperset(of: ["0", "1", "2"]))
    }

    @Test("has seven columns, whatever an exit holds", arguments: 1...3 as ClosedRange<UInt64>)
    func random(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var line = TraceLine()
        for step in 0..<20_000 {
            func number() -> UInt64 { random.next() >> (random.next() & 63) }
            let shown = (0..<number() % 9).map { _ in number() }
            let answerers: [TraceEntry.Answerer] = [.none, .port, .memory, .refusal]
            let entry = TraceEntry(
                time: Int64(bitPattern: number()), vcpu: Int(number() % 256), kind: "portRead", place: number(),
                width: Int(number() & 0xFF), count: Int(number() & 0xFFFF_FFFF), values: shown,
                answerer: answerers[Int(number() % 4)])
            line.write(entry, since: Int64(bitPattern: number()), SlotNames())
            let text = String(decoding: line.bytes, as: UTF8.self)
            guard text.hasSuffix("\n"), Line(text.dropLast()) != nil else {
                Issue.record("seed \(seed), step \(step): \(text)")
                return
            }
        }
    }

    @Test("ends at its limit with a line that says so, and the run goes on", arguments: [0, 100, 1_000, 5_000])
    func limit(limit: Int) throws {
        let (text, run) = try trace(.file(Guests.path("real-hello.bin")), limit: limit)
        #expect(run.text == "Hello from real mode!\n")
        let last = "# The trace ends here, at its limit of \(limit) bytes; the run goes on.\n"
        if limit == 5_000 {
            #expect(!text.contains("limit") && text.utf8.count <= limit)
        } else {
            #expect(text.hasSuffix(last))
            #expect(text.utf8.count - last.utf8.count <= limit)
        }
    }

    @Test("is given up where it cannot be written, and the run goes on")
    func failure() throws {
        let descriptor = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(descriptor) }
        for (number, error) in [(descriptor, Errno.noSpace), (9_999, .badFileDescriptor)] {
            let trace = ExitTrace(descriptor: number)
            let run = try GuestRun(guest: "real-hello.bin") { $0.trace = trace }
            #expect(run.text == "Hello from real mode!\n")
            #expect(run.reason == .halted)
            #expect(trace.failure == error)
        }
    }

    @Test("is written while the guest hangs, within about a second")
    func hangs() throws {
        let pipe = HostPipe()
        let control = MachineControl()
        let trace = ExitTrace(descriptor: pipe.writeEnd.number)
        let guest = HostThread {
            // movb $0x41, %al; outb %al, $0x80; jmp to itself
            let run = try? GuestRun(code: [0xB0, 0x41, 0xE6, 0x80, 0xEB, 0xFE]) {
                $0.trace = trace
                $0.control = control
            }
            #expect(run?.reason == .stopped)
        }
        var text = ""
        while !text.contains("interrupted") { text += String(decoding: pipe.read(upTo: 4096), as: UTF8.self) }
        control.stop()
        guest.join()
        #expect(text.contains("portWrite   0x80        1     0x41        post"))
    }
}
