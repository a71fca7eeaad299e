import Glibc
import TestSupport
import Testing

@Suite("What --report tells", .requiresKVM)
struct ReportTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    /// Runs a guest and reads its report.
    private func report(_ image: String, _ options: String...) async throws -> (Outcome, Report) {
        let outcome = try await scratch.swiftvmm(["run", image, "--report", "report.json"] + options)
        return (outcome, try Report(try scratch.read("report.json")))
    }

    private func report(_ code: [UInt8], _ options: String...) async throws -> (Outcome, Report) {
        let image = try scratch.write(code, to: "guest.bin")
        let outcome = try await scratch.swiftvmm(["run", image, "--report", "report.json"] + options)
        return (outcome, try Report(try scratch.read("report.json")))
    }

    @Test("real-hello: 22 bytes on the serial port, each after a look at its status, and a halt")
    func hello() async throws {
        let guest = Guests.path("real-hello.bin")
        let (outcome, report) = try await report(guest)
        expectSuccess(outcome, "Hello from real mode!\n")
        #expect(report.image == guest)
        #expect(report.stop == Report.Stop(reason: "halted", status: 0, message: "the guest halted"))
        let run = try #require(report.run)
        #expect(
            run.exitsByPort == [
                Report.PortCount(port: "0x3f8", direction: "write", count: 22),
                Report.PortCount(port: "0x3fd", direction: "read", count: 22),
            ])
        #expect(run.consoleBytes == ["uart": 22, "debug": 0, "hypercall": 0])
        #expect(run.exitsByPage == [])
        #expect(run.unmappedPorts == [])
        #expect(run.unwrittenBytes == 0)
        #expect(run.postCode == nil)
    }

    @Test("exits are counted by kind, and the kinds add up")
    func kinds() async throws {
        let code = TinyGuest.print("ab") + TinyGuest.read(0x3FD) + TinyGuest.halt
        let run = try #require(try await report(code).1.run)
        // A kick of the timer may end KVM_RUN at any moment: those are counted too, and nobody knows how many come.
        var kinds = run.exitsByKind
        kinds["interrupted"] = nil
        #expect(kinds == ["portWrite": 2, "portRead": 1, "halt": 1])
        #expect(run.exitCount == run.exitsByKind.values.reduce(0, +))
    }

    @Test("each kind of exit has percentiles of the time that it took, but for what ended the run")
    func latencies() async throws {
        let code = TinyGuest.print("ab") + TinyGuest.read(0x3FD) + TinyGuest.halt
        var latencies = try #require(try await report(code).1.run).latencies
        latencies["interrupted"] = nil
        #expect(latencies.mapValues(\.count) == ["portWrite": 2, "portRead": 1])
        for found in latencies.values {
            #expect(found.p50 > 0 && found.p50 <= found.p90 && found.p90 <= found.p99 && found.p99 <= found.max)
        }
    }

    @Test("times are told in nanoseconds")
    func times() async throws {
        // The first deadline is enough, but for a machine that is busy.
        for timeout in ["0.5", "4", "32"] {
            let (outcome, report) = try await report(TinyGuest.spin, "--timeout", timeout)
            let run = try #require(report.run)
            if run.cpuNanoseconds == 0, timeout != "32" { continue }
            // Of the whole process it is a part.
            #expect(run.wallNanoseconds > 0 && .nanoseconds(run.wallNanoseconds) < outcome.elapsed)
            #expect(run.cpuNanoseconds > 0)
            #expect(run.cpuNanoseconds <= run.wallNanoseconds + 100_000_000)
            return
        }
    }

    @Test(
        "bytes are counted for each console, accesses that no device answered for each port, and the last POST code is kept"
    )
    func places() async throws {
        var code = TinyGuest.print("debug") + TinyGuest.out(0x3F8, 0x75)
        code += TinyGuest.out(0x80, 0x12) + TinyGuest.out(0x80, 0x34)
        code += TinyGuest.out(0x1234, 0) + TinyGuest.read(0x1234) + TinyGuest.read(0x1234)
        let run = try #require(try await report(code + TinyGuest.halt).1.run)
        #expect(run.consoleBytes == ["uart": 1, "debug": 5, "hypercall": 0])
        #expect(run.unmappedPorts == [Report.UnmappedCount(address: "0x1234", reads: 2, writes: 1)])
        #expect(run.exitsByPort.contains(Report.PortCount(port: "0x1234", direction: "read", count: 2)))
        #expect(run.postCode == 0x34)
    }

    @Test("memory-mapped accesses are counted by page")
    func pages() async throws {
        // In protected mode: mov [0xD0000000], eax; mov al, [0xD0000FFF].
        let code: [UInt8] = [0xA3, 0, 0, 0, 0xD0, 0xA0, 0xFF, 0x0F, 0, 0xD0, 0xF4]
        let (outcome, report) = try await report(code, "--mode", "protected")
        expectSuccess(outcome, "")
        #expect(
            report.run?.exitsByPage == [
                Report.PageCount(page: "0xd0000000", direction: "read", count: 1),
                Report.PageCount(page: "0xd0000000", direction: "write", count: 1),
            ])
    }

    @Test("the end is told in a word, as a status, and in the words of standard error")
    func reasons() async throws {
        let ends: [(code: [UInt8], options: [String], reason: String, status: Int32)] = [
            (TinyGuest.out(0x500, 64), [], "exited", 64),
            (TinyGuest.out(0x500, 0), [], "exited", 0),
            (TinyGuest.out(0x64, 0xFE), [], "reset", 0),
            (TinyGuest.outWord(0x604, 0x2000), [], "poweredOff", 0),
            (TinyGuest.spin, ["--timeout", "0.1"], "deadline", 124),
            ([0x0F, 0x0B], ["--mode", "protected"], "exception", 125),
            // lidt of zeros, ud2
            ([0x0F, 0x01, 0x1D, 0x20, 0, 0x10, 0, 0x0F, 0x0B], ["--mode", "protected"], "tripleFault", 125),
            ([0xFB, 0xF4], [], "sleeping", 0),
            ([0xEA, 0x10, 0x00, 0xFF, 0xFF], ["--memory", "1M"], "guestError", 125),
        ]
        for end in ends {
            let image = try scratch.write(end.code, to: "guest.bin")
            let outcome = try await scratch.swiftvmm(["run", image, "--report", "report.json"] + end.options)
            let stop = try Report(try scratch.read("report.json")).stop
            #expect(stop.reason == end.reason)
            #expect(stop.status == end.status && outcome.status == end.status, "\(outcome)")
            if end.status != 0 { #expect(outcome.lastError == "swiftvmm: \(stop.message)") }
        }
        #expect(try await report(TinyGuest.out(0x64, 0xFE)).1.stop.message.contains("keyboardController"))
    }

    @Test("a run that a signal ended has a report as well")
    func signalled() async throws {
        let outcome = try await scratch.talk("run", Guests.path("spin.bin"), "--report", "report.json") { session in
            try await session.state.waitUntilSignalsAreCaught()
            try session.send(SIGINT)
        }
        #expect(outcome.status == 130)
        let stop = try Report(try scratch.read("report.json")).stop
        #expect(stop == Report.Stop(reason: "signal", status: 130, message: "ended by SIGINT"))
    }

    @Test("an image that cannot be booted has one too, without numbers")
    func badImage() async throws {
        let (outcome, report) = try await report("missing.bin")
        #expect(outcome.status == 66)
        #expect(report.image == "missing.bin")
        #expect(report.stop.reason == "error")
        #expect(report.stop.status == 66)
        #expect(outcome.lastError == "swiftvmm: \(report.stop.message)")
        #expect(report.run == nil)
    }

    @Test("so has a run whose output could not be written, with its numbers")
    func outputFull() async throws {
        let outcome = try await scratch.swiftvmm(
            "run", Guests.path("real-hello.bin"), "--report", "report.json", redirection: ">/dev/full")
        #expect(outcome.status == 74)
        let report = try Report(try scratch.read("report.json"))
        #expect(report.stop.reason == "error")
        #expect(report.stop.status == 74)
        // The first attempt to write ends the run, which may be before the guest has printed all.
        let printed = try #require(report.run?.consoleBytes["uart"])
        #expect((1...22).contains(printed))
        #expect(report.run?.unwrittenBytes == Int(printed))
    }
}
