import TestSupport
import Testing
import VMM

@Suite("What a 64-bit guest is told", .requiresKVM)
struct LongArgsTests {
    private static let low = """
        e820: 0x0000000000000000-0x000000000000ffff reserved
        e820: 0x0000000000010000-0x000000000009fbff usable
        e820: 0x000000000009fc00-0x000000000009ffff reserved
        e820: 0x00000000000e0000-0x00000000000fffff reserved

        """

    private static let forKVM = "e820: 0x00000000fffbc000-0x00000000fffbffff reserved\n"

    @Test(
        "the memory map shows RAM up to 3 GiB, and the rest from 4 GiB on",
        arguments: [
            (2 << 20, "e820: 0x0000000000100000-0x00000000001fffff usable\n", ""),
            (16 << 20, "e820: 0x0000000000100000-0x0000000000ffffff usable\n", ""),
            (3 << 30, "e820: 0x0000000000100000-0x00000000bfffffff usable\n", ""),
            (
                (3 << 30) + 4096, "e820: 0x0000000000100000-0x00000000bfffffff usable\n",
                "e820: 0x0000000100000000-0x0000000100000fff usable\n"
            ),
            (
                4 << 30, "e820: 0x0000000000100000-0x00000000bfffffff usable\n",
                "e820: 0x0000000100000000-0x000000013fffffff usable\n"
            ),
            (
                5 << 30, "e820: 0x0000000000100000-0x00000000bfffffff usable\n",
                "e820: 0x0000000100000000-0x000000017fffffff usable\n"
            ),
        ] as [(UInt64, String, String)])
    func memoryMap(size: UInt64, low: String, high: String) throws {
        let run = try GuestRun(guest: "long-args.elf") { $0.memorySize = size }
        #expect(run.text == "command line: \n" + Self.low + low + Self.forKVM + high)
        #expect(run.reason == .exited(status: 0))
    }

    @Test(
        "the command line arrives byte for byte, up to 2,047 of them",
        arguments: [
            "hello guest", "console=ttyS0 quote=\"a b\"", "Grüße, 世界",
            String(repeating: "0123456789abcdef", count: 127) + "0123456789abcde",
        ])
    func commandLine(text: String) throws {
        let run = try GuestRun(guest: "long-args.elf") { $0.commandLine = text }
        #expect(run.text.hasPrefix("command line: \(text)\ne820: "))
        #expect(run.reason == .exited(status: 0))
    }

    @Test("a command line of 2,048 bytes is refused before anything runs")
    func longCommandLine() {
        let text = String(repeating: "x", count: 2048)
        #expect(
            throws: VMMError.configuration(
                "the command line, with the words that are added to it, has 2048 bytes, and a guest takes 2047 at most; make it shorter"
            )
        ) {
            _ = try GuestRun(guest: "long-args.elf") { $0.commandLine = text }
        }
    }

    @Test("a guest at 1 MiB does not fit into 1 MiB of RAM, and is told so")
    func tooLittleMemory() throws {
        let path = Guests.path("long-args.elf")
        var refusal: VMMError?
        do throws(VMMError) {
            _ = try GuestRun(.file(path)) { $0.memorySize = 1 << 20 }
        } catch {
            refusal = error
        }
        guard case .image(path, .elf(.segmentOutsideRAM(0, start: 0x10_0000, size: _))) = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
    }
}
