import ArgumentParser

struct CompareConsoleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "console",
        abstract: "Measures every way in which a guest can print, beside a plain process.",
        discussion: """
            The same bytes go from a guest, by each technique, through a pipe to one reader, which compares every byte with what \
            it should be. The runs take turns, so that a busy machine favours none. It takes two minutes at most.

            Standard output is a table; on a terminal, standard error tells how far it is.

            Status: 0 when every technique was measured and every byte was right; 64 bad usage; 66 there is no guest; 69 no \
            usable KVM; 70 a technique failed or lost bytes; 74 a file or standard output cannot be written; 129, 130 and 143 \
            ended by SIGHUP, SIGINT and SIGTERM.
            """,
        version: RootCommand.version)

    @Flag(help: "Measures fewer techniques, fewer times, within twenty seconds.")
    var quick = false

    @Option(
        help: ArgumentHelp("The guest, instead of guests/build/console-bench.elf.", valueName: "file"),
        completion: .file())
    var guest: String?

    @Option(
        help: ArgumentHelp("Writes every figure to this file, as JSON.", valueName: "file"), completion: .file())
    var json: String?

    @Option(help: ArgumentHelp("Draws a chart to this file, as SVG.", valueName: "file"), completion: .file())
    var svg: String?

    func run() throws {
        let guest = try GuestFile(named: "console-bench.elf", given: guest)
        // Takes a tenth of a second, in which a signal still ends the process as it ends any.
        let host = try ComparedHost()
        try EndSignals.catch()
        let outputs = try ComparisonOutputs(json: json, svg: svg, guest: guest.path)
        let plan = quick ? ConsolePlan.quick : ConsolePlan.full
        let runner = ConsoleSubjectRunner(guest: guest.path, timeLimit: Int(plan.timeLimit))
        let comparison = ConsoleComparison(plan: plan, measure: runner.measure)
        let report = ConsoleReport(host: host, isQuick: quick, rows: try comparison.run())
        EndSignals.release()
        try outputs.write(report, chart: ConsoleChart(report).svg, text: ConsoleTable(report).text)
    }
}
