import TestSupport
import Testing
import VMM

/// What the guests do by themselves is in `GuestTests`.
@Suite("Guests that are changed", .requiresKVM)
struct GuestTests {
    @Test("the status is the guest's own, from 0 to 255", arguments: [0, 1, 42, 255] as [UInt8])
    func exitStatus(status: UInt8) throws {
        // movb $42, %al; movw $0x500, %dx; outb %al, %dx: the status is the second byte.
        let code: [UInt8] = [0xB0, status, 0xBA, 0x00, 0x05, 0xEE]
        #expect(try GuestRun(code: code).reason == .exited(status: status))
    }

    @Test("the guest in a file is the same as the same bytes in memory", arguments: [0, 1, 42, 255] as [UInt8])
    func patchedGuest(status: UInt8) throws {
        var image = try FileBytes.read(Guests.path("real-exit.bin"))
        #expect(image[1] == 42)
        image[1] = status
        #expect(try GuestRun(.bytes(image)).reason == .exited(status: status))
    }

    @Test("real-uart-selftest names what differs from the data sheet, and its status is how much does")
    func uartDiffers() throws {
        // Two expected values, the last of four bytes of a check (checks.inc): of SCR after 0x55, and of LCR after 0x7F.
        var image = try FileBytes.read(Guests.path("real-uart-selftest.bin"))
        for (check, wrong) in [([0x03, 0x07, 0xFF, 0x55], 0x54), ([0x03, 0x03, 0xFF, 0x7F], 0x3F)] as [([UInt8], UInt8)]
        {
            let starts = image.indices.filter { image[$0...].starts(with: check) }
            try #require(starts.count == 1)
            image[starts[0] + 3] = wrong
        }
        let run = try GuestRun(.bytes(image))
        #expect(
            run.text == """
                SCR after 0x55: got 0x55, data sheet 0x54
                LCR after 0x7f: got 0x7f, data sheet 0x3f
                16550A: 2 differences

                """)
        #expect(run.reason == .exited(status: 2))
    }

    @Test("the first 4 GiB are mapped for a 64-bit guest, and the page tables are not in its way")
    func flatImageFromLongMode() throws {
        // movl $0xBFFFFFFC, %eax; movl $0x12345678, (%rax); movl (%rax), %ebx; hlt: the last word below 3 GiB.
        let code: [UInt8] = [
            0xB8, 0xFC, 0xFF, 0xFF, 0xBF, 0xC7, 0x00, 0x78, 0x56, 0x34, 0x12, 0x8B, 0x18, 0xF4,
        ]
        let run = try GuestRun(code: code) {
            $0.mode = .long
            $0.memorySize = 3 << 30
        }
        #expect(run.reason == .halted)
        #expect(run.report.unmappedMemory == [])
    }
}
