import TestSupport
import Testing
import VMM

@Suite("The work of compare compute", .requiresKVM)
struct ComputeBenchTests {
    @Test("its answer is that of a second description", arguments: ["integer", "memory", "branches"], [1, 3])
    func answers(work: String, steps: Int) throws {
        let run = try GuestRun(guest: "compute-bench.elf") { $0.commandLine = "work=\(work) steps=\(steps)" }
        #expect(run.text == "begin \(work)\n\(BenchWork.checksum(work, steps: steps))\n")
        #expect(run.reason == .exited(status: 0))
    }

    @Test("no steps are a whole work, too")
    func noSteps() throws {
        let run = try GuestRun(guest: "compute-bench.elf") { $0.commandLine = "work=integer steps=0 ring=0" }
        #expect(run.text == "begin integer\n0000000000000000\n")
    }

    @Test(
        "a bad command line has status 2, and no output",
        arguments: [
            "work=integer", "steps=1", "work=none steps=1", "work=integers steps=1", "work=integer steps=x",
            "work=integer steps=4294967297", "work=integer steps=1 ring=1", "work=integer steps=1 ring=4",
        ])
    func badCommandLine(line: String) throws {
        let run = try GuestRun(guest: "compute-bench.elf") { $0.commandLine = line }
        #expect(run.text == "" && run.reason == .exited(status: 2))
    }
}
