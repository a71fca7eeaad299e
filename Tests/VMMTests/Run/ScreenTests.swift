import DeviceModel
import LinuxHost
import Synchronization
import TestSupport
import Testing

@testable import VMM

@Suite("A guest's text screen", .requiresKVM)
struct ScreenTests {
    /// Writes "Hi", waits for the key A at the keyboard's port, writes "!", and halts.
    private static let code: [UInt8] = [
        0xB8, 0x00, 0xB8, 0x8E, 0xC0,  // mov $0xb800, %ax; mov %ax, %es
        0x66, 0x26, 0xC7, 0x06, 0x00, 0x00, 0x48, 0x07, 0x69, 0x07,  // movl $0x07690748, %es:0
        // 1: in $0x64, %al; test $1, %al; jz 1b; in $0x60, %al; cmp $0x1e, %al; jne 1b
        0xE4, 0x64, 0xA8, 0x01, 0x74, 0xFA, 0xE4, 0x60, 0x3C, 0x1E, 0x75, 0xF4,
        0x26, 0xC7, 0x06, 0x04, 0x00, 0x21, 0x07, 0xF4,  // movw $0x0721, %es:4; hlt
    ]

    @Test("its lines are printed in the end, and its keyboard types what comes in")
    func text() throws {
        let run = try GuestRun(code: Self.code) {
            $0.screen = ScreenConfiguration(ScreenText())
            $0.input = ConsoleInput(Array("xa".utf8))
        }
        #expect(run.reason == .halted)
        #expect(run.text == "Hi!\n")
    }

    /// Remembers what it was told.
    private final class Looks: Sendable {
        let lines = Mutex<[[String]]>([])
        let steps = Mutex<[String]>([])
    }

    private struct Renderer: ScreenRenderer {
        let looks: Looks
        func begin() -> [UInt8] {
            looks.steps.withLock { $0.append("begin") }
            return []
        }
        func show(_ image: ScreenImage) -> [UInt8] {
            looks.lines.withLock { $0.append(image.lines) }
            return Array("+".utf8)
        }
        func end(_ image: ScreenImage?) -> [UInt8] {
            looks.steps.withLock { $0.append("end: \(image?.lines ?? [])") }
            return Array(".".utf8)
        }
    }

    @Test("who looks at it sees each change while the guest runs, and then the end, on an output of its own")
    func looks() throws {
        let looks = Looks()
        let output = ConsoleOutput()
        // out %al, $0xE9 first: another console's byte.
        let run = try GuestRun(code: [0xB0, 0x58, 0xE6, 0xE9] + Self.code) {
            $0.screen = ScreenConfiguration(Renderer(looks: looks), output: output, interval: .milliseconds(1))
            $0.timeout = .seconds(1)
        }
        #expect(run.reason == .deadline)
        #expect(looks.steps.withLock { $0 } == ["begin", "end: [\"Hi\"]"])
        let seen = looks.lines.withLock { $0 }
        #expect(seen.last == ["Hi"])
        #expect(seen.count <= 3)
        #expect(run.text == "X")
        #expect(output.collected == Array(String(repeating: "+", count: seen.count).utf8) + Array(".".utf8))
    }

    @Test("a boot sector's teletype prints on the screen alone")
    func teletype() throws {
        // mov $0x0e48, %ax; int $0x10; cli; hlt
        let image: [UInt8] =
            [0xB8, 0x48, 0x0E, 0xCD, 0x10, 0xFA, 0xF4] + [UInt8](repeating: 0, count: 503) + [0x55, 0xAA]
        let run = try GuestRun(.bytes(image)) { $0.screen = ScreenConfiguration(ScreenText()) }
        #expect(run.text == "H\n")
        #expect(try GuestRun(.bytes(image)).text == "H")
    }

    @Test("a kernel with its own interrupts gets a key by IRQ 1")
    func interrupt() throws {
        // A Multiboot kernel: lidt; the PIC unmasks IRQ 1 alone; sti; 1: hlt; jmp 1b. Its handler reads the key and ends with it as the status.
        var code: [UInt8] = [
            0x0F, 0x01, 0x1D, 0x2C, 0x80, 0, 0, 0xB0, 0xFD, 0xE6, 0x21, 0xBC, 0, 0x90, 0, 0, 0xFB, 0xF4, 0xEB, 0xFD,
            // in $0x60, %al; mov $0x500, %dx; out %al, %dx
            0xE4, 0x60, 0x66, 0xBA, 0x00, 0x05, 0xEE, 0xF4, 0, 0, 0, 0,
        ]
        // At 0x802c: limit and place of the table, whose gate for vector 9 leads to the handler at 0x8020.
        code += [0x4F, 0, 0x38, 0x80, 0, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 9 * 8)
        code += [0x20, 0x80, 0x08, 0x00, 0x00, 0x8E, 0x00, 0x00]
        var builder = ELFBuilder()
        builder.is64Bit = false
        builder.entry = 0x800C
        builder.segments[0].virtualAddress = 0x8000
        builder.segments[0].physicalAddress = 0x8000
        builder.segments[0].content = LoaderSeed.multibootHeader(flags: 3) + code
        let run = try GuestRun(.bytes(builder.bytes)) {
            $0.screen = ScreenConfiguration(ScreenText())
            $0.input = ConsoleInput(Array("a".utf8))
        }
        #expect(run.reason == .exited(status: 0x1E))
    }
}
