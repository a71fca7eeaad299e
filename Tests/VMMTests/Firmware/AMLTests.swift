import Testing

@testable import VMM

/// Against section 20.2 of ACPI 6.5.
@Suite("ACPI's machine language")
struct AMLTests {
    @Test(
        "a length says how long it is itself, and has as few bytes as hold it",
        arguments: [
            (0, [0x01]), (1, [0x02]), (62, [0x3F]),
            (63, [0x41, 0x04]), (64, [0x42, 0x04]), (0xFFF - 2, [0x4F, 0xFF]),
            (0xFFF - 1, [0x81, 0x00, 0x01]), (0xFFFFF - 3, [0x8F, 0xFF, 0xFF]),
            (0xFFFFF - 2, [0xC1, 0x00, 0x00, 0x01]), (0xFFF_FFFF - 4, [0xCF, 0xFF, 0xFF, 0xFF]),
        ] as [(Int, [UInt8])])
    func packageLength(count: Int, bytes: [UInt8]) {
        #expect(AML.packageLength(before: count) == bytes)
    }

    @Test("every length up to 70,000 is read back as the count and its own bytes")
    func readBack() {
        for count in 0...70_000 {
            let bytes = AML.packageLength(before: count)
            let following = Int(bytes[0] >> 6)
            var value = Int(bytes[0] & (following == 0 ? 0x3F : 0x0F))
            for (index, byte) in bytes.dropFirst().enumerated() { value |= Int(byte) << (4 + 8 * index) }
            guard bytes.count == following + 1, value == count + bytes.count else {
                Issue.record("\(count) is \(bytes)")
                return
            }
        }
    }

    @Test(
        "an integer has as few bytes as hold it",
        arguments: [
            (0, [0x00]), (1, [0x01]), (2, [0x0A, 2]), (0xFF, [0x0A, 0xFF]), (0x100, [0x0B, 0x00, 0x01]),
            (0xFFFF, [0x0B, 0xFF, 0xFF]), (0x1_0000, [0x0C, 0, 0, 1, 0]),
            (0xFFFF_FFFF, [0x0C, 0xFF, 0xFF, 0xFF, 0xFF]),
            (0x1_0000_0000, [0x0E, 0, 0, 0, 0, 1, 0, 0, 0]),
        ] as [(UInt64, [UInt8])])
    func integer(value: UInt64, bytes: [UInt8]) {
        #expect(AML.integer(value) == bytes)
    }

    @Test("names, strings and identifiers are as the specification writes them")
    func terms() {
        #expect(AML.path("RTC") == Array("RTC_".utf8))
        #expect(AML.path("COM1") == Array("COM1".utf8))
        #expect(AML.string("AB") == [0x0D, 0x41, 0x42, 0])
        // Its own example: "PNP0303" is 0x0303D041.
        #expect(AML.eisaID("PNP0303") == [0x0C, 0x41, 0xD0, 0x03, 0x03])
        #expect(AML.name("_S5", [0]) == [0x08] + Array("_S5_".utf8) + [0])
        #expect(AML.package([[0], [1]]) == [0x12, 4, 2, 0, 1])
        #expect(AML.buffer([7, 8]) == [0x11, 5, 0x0A, 2, 7, 8])
        #expect(AML.scope("_SB", [0xA3]) == [0x10, 6] + Array("_SB_".utf8) + [0xA3])
        #expect(AML.device("COM1", []) == [0x5B, 0x82, 5] + Array("COM1".utf8))
    }

    @Test("a device's resources are those of section 6.4, with an end")
    func resources() {
        let settings = ACPIResource.settings([
            .ports(0x3F8..<0x400), .irq(4), .memory(0xD000_0000..<0xD000_1000), .levelInterrupt(16),
        ])
        let bytes: [UInt8] =
            [0x47, 1, 0xF8, 0x03, 0xF8, 0x03, 1, 8] + [0x22, 0x10, 0]
            + [0x86, 9, 0, 1, 0, 0, 0, 0xD0, 0, 0x10, 0, 0] + [0x89, 6, 0, 1, 1, 16, 0, 0, 0] + [0x79, 0]
        #expect(settings == AML.name("_CRS", AML.buffer(bytes)))
    }
}
