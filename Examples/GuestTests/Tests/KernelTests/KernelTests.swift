import GuestTesting
import Testing

/// With Swift Testing.
@Suite("The kernel", .requiresKVM)
struct KernelTests {
    private let kernel = Guest("kernel.elf")

    @Test("greets whoever gives a name", arguments: ["Ada", "Grace Hopper"])
    func greets(name: String) async throws {
        try await kernel.input("\(name)\n").expect(output: .containing("hello, \(name)!\n"), exit: 0)
    }

    @Test("finds all of its memory", arguments: [.mebibytes(2), .mebibytes(64), .gibibytes(2)] as [MemorySize])
    func findsMemory(size: MemorySize) async throws {
        try await kernel.memory(size).input("\n")
            .expect(output: .containing("memory: \(size.bytes >> 20) MiB\n"), exit: 0)
    }

    @Test("asks before it greets")
    func asks() async throws {
        let session = kernel.start()
        #expect(try await session.wait(for: "name? ") == "memory: 64 MiB\nname? ")
        session.send("Ada\n")
        try await session.wait(for: "hello, Ada!")
        try await session.finish().expect(exit: 0)
    }

    @Test("crashes by an invalid instruction when it is told to")
    func crashes() async throws {
        let outcome = try await kernel.input("crash\n").run()
        guard case .exception(let exception) = outcome.reason else { throw CrashExpected(outcome: outcome) }
        #expect(exception.vector == 6)
        #expect(exception.state.symbol?.hasPrefix("kernel_main") == true)
    }
}

private struct CrashExpected: Error {
    let outcome: Outcome
}
